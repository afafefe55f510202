/** What a Supervisor needs and what it can be told. */

import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { TlsFiles } from "../../core/process/listen.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Metrics } from "../../core/process/metrics.ts";
import type { Compression } from "../layout.ts";
import type { Retention } from "../publish/retention.ts";
import type { SnapshotStore } from "../stores/store.ts";
import type { FollowedLdb } from "./followed-ldb.ts";

export interface SupervisorDeps {
  readonly followed: FollowedLdb;
  readonly store: SnapshotStore;
  /** Where the original's key is; null without one. */
  readonly legacy?: { readonly store: SnapshotStore; readonly key: string } | null;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Returns 0 ≤ x < 1; spreads the interval and retries. */
  readonly random?: () => number;
}

export interface SupervisorOptions {
  /** The folder of the LDB that is frozen; the work is done in it. */
  readonly ldbFolder: string;
  readonly intervalMs?: number;
  readonly retention?: Partial<Retention>;
  readonly compression?: Compression;
  readonly compressionLevel?: number;
  /** Lets one snapshot of another ctldb take the place of the newest. */
  readonly newEpoch?: boolean;
  /** Publishes also an LDB that passed over ledger entries. */
  readonly allowSkips?: boolean;
  /** `host:port` or `unix:PATH` for status and metrics; absent: none. Port 0 takes any free one. */
  readonly bind?: string;
  /** Answers there by HTTPS. */
  readonly tls?: TlsFiles;
  /** How it is called in the index and in manifests. */
  readonly id?: string;
  readonly recheckMs?: number;
  /** A run for one snapshot bears a Reflector that is in trouble, and gets no further, for so long. */
  readonly onceTroubleMs?: number;
  readonly backoffMs?: { readonly base: number; readonly max: number };
}

/** The options with every default filled in. */
export type CompleteSupervisorOptions = ReturnType<typeof withDefaults>;

export function withDefaults(options: SupervisorOptions, ids: { readonly id: string }) {
  const { compression = "zstd" } = options;
  return {
    ldbFolder: options.ldbFolder,
    id: options.id ?? ids.id,
    intervalMs: options.intervalMs ?? SNAPSHOT_LIMITS.intervalMs.default,
    retention: {
      keep: options.retention?.keep ?? SNAPSHOT_LIMITS.keep.default,
      keepForMs: options.retention?.keepForMs ?? SNAPSHOT_LIMITS.keepForMs.default,
    },
    compression,
    compressionLevel: options.compressionLevel ?? SNAPSHOT_LIMITS.compressionLevels[compression].default,
    newEpoch: options.newEpoch ?? false,
    allowSkips: options.allowSkips ?? false,
    recheckMs: options.recheckMs ?? SNAPSHOT_LIMITS.recheckMs,
    backoffMs: options.backoffMs ?? SNAPSHOT_LIMITS.backoffMs,
  };
}
