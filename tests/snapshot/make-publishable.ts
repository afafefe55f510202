/** Snapshots for tests of publishing: the bytes of their data mean nothing, all that is said about them is right. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { toSequence } from "../../core/sequence.ts";
import { dataKey } from "../../snapshot/layout.ts";
import { SNAPSHOT_FORMAT_VERSION, type SnapshotManifest, serialize } from "../../snapshot/manifest.ts";
import type { Publishable } from "../../snapshot/publish/publish.ts";
import type { TempFolder } from "../support/temp-folder.ts";

export const EPOCH = "0123456789abcdef0123456789abcdef";
export const OTHER_EPOCH = "ffffffffffffffffffffffffffffffff";

export interface PublishableOptions {
  readonly epoch?: string | null;
  /** Told apart from another one at the same sequence. */
  readonly data?: string;
  readonly createdAtMs?: number;
  /** Hex; one that no ledger has unless given. */
  readonly hash?: string;
  readonly supervisorId?: string;
}

export function makePublishable(
  folder: TempFolder,
  sequence: number,
  options: PublishableOptions = {},
): Publishable {
  const { epoch = EPOCH, data = "data", createdAtMs = Date.now(), supervisorId = "test" } = options;
  const bytes = Buffer.from(`${data} of ${sequence}`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const dataPath = folder.file(`${sha256}.data`);
  writeFileSync(dataPath, bytes);
  const manifest: SnapshotManifest = {
    formatVersion: SNAPSHOT_FORMAT_VERSION,
    sequence: toSequence(sequence),
    epoch,
    hash: options.hash ?? sequence.toString(16).padStart(64, "0"),
    ledgerTimestampUs: 1_790_000_000_000_000,
    schemaFingerprint: "0".repeat(64),
    ldbFormatVersion: 1,
    unattestedThrough: toSequence(0),
    skips: 0,
    plain: { bytes: bytes.length, sha256 },
    compressed: { bytes: bytes.length, sha256, algorithm: "zstd" },
    dataKey: dataKey({ sequence: toSequence(sequence), dataSha256: sha256 }, "zstd"),
    tables: [],
    createdAt: new Date(createdAtMs).toISOString(),
    supervisor: { id: supervisorId, version: "0.0.0" },
  };
  return { manifest, manifestBytes: serialize(manifest), dataPath };
}
