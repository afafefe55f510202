/** What a Supervisor says about itself. The document behind `/status`. */
import type { ErrorCode } from "../../core/errors.ts";
import type { Sequence } from "../../core/sequence.ts";
import type { FreezePhase } from "../freeze/contract.ts";
import type { SnapshotEntry } from "../manifest.ts";
import type { PublishPhase } from "../publish/publish.ts";

export const SUPERVISOR_STATES = [
  "starting", // it has not looked at its LDB yet
  "waiting", // all is well; the next snapshot is not due
  "freezing", // files are being made
  "publishing", // they are on their way into the store
  "refused", // the LDB is in no state to be published, or the store has something newer: nothing is published
  "failing", // the store or the disk; tried again with growing pauses
] as const;
export type SupervisorState = (typeof SUPERVISOR_STATES)[number];

export type SupervisorPhase = FreezePhase | PublishPhase | "legacy" | "retention";
export const PUBLISH_PHASES = ["upload", "index", "legacy", "retention"] as const satisfies SupervisorPhase[];

export interface PhaseProgress {
  readonly phase: SupervisorPhase;
  /** Bytes; rows in the phase `digest`. */
  readonly done: number;
  readonly total: number | null;
}

export interface SupervisorReason {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

export interface PublishedSnapshot {
  readonly sequence: Sequence;
  /** When it was published, in microseconds since 1970. */
  readonly atUs: number;
  readonly plainBytes: number;
  readonly compressedBytes: number;
}

export interface SupervisorStatus {
  readonly state: SupervisorState;
  /** Why it refuses or fails. */
  readonly reason: SupervisorReason | null;
  readonly version: string;
  /** As the store's index says it (`publishedBy`). */
  readonly id: string;
  /** Where it publishes. */
  readonly store: string;
  /** The last one that this process published. */
  readonly published: PublishedSnapshot | null;
  /** The newest in the store when it was last looked at, whoever published it. */
  readonly latest: Pick<SnapshotEntry, "sequence" | "epoch" | "createdAt"> | null;
  /** Age of that one, by the clock of this host. */
  readonly latestAgeSeconds: number | null;
  /** While it works. */
  readonly progress: PhaseProgress | null;
  /** Files of a snapshot are kept until the store takes them. */
  readonly keptSequence: Sequence | null;
  /** When it looks again, in microseconds since 1970; null while it works. */
  readonly nextRunAtUs: number | null;
  /** The inner Reflector. */
  readonly reflector: unknown;
}
