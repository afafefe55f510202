/**
 * Freezes an LDB: the long, blocking part of making a snapshot, in a child process of the lowest priority.
 *
 * Keeps I9 (one read transaction is one committed sequence) and R29: sequence, epoch, hash and schema in the manifest
 * are read from the very file that is hashed and compressed, never from a Reflector's memory.
 */
import { rmSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { schemaFingerprint } from "../../core/digest/schema-fingerprint.ts";
import { CtlstoreError } from "../../core/errors.ts";
import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import type { TaskContext } from "../../core/process/task.ts";
import { checkpointLdb, copyLdb, ldbBytes, quickCheck } from "../../ldb/copy-database.ts";
import { asFileError } from "../../ldb/file-errors.ts";
import { ensureFreeSpace } from "../../ldb/free-space.ts";
import { LdbView } from "../../ldb/ldb-view.ts";
import { dataKey } from "../layout.ts";
import { SNAPSHOT_FORMAT_VERSION, type SnapshotManifest, serialize } from "../manifest.ts";
import { type CompressedOutput, type CompressResult, compressFile } from "./compress-file.ts";
import { type FreezeInput, type FreezeOutput, PLAIN_FILE_NAME } from "./contract.ts";
import { digestTables, type TableSummary } from "./digest-tables.ts";
import { PhaseReporter } from "./phases.ts";

/**
 * @throws CtlstoreError `snapshot_refused` when the LDB is in no state to be published, `ldb_damaged`, `ldb_disk_full`,
 *   `ldb_unavailable`, `ldb_incompatible`
 */
export async function freezeTask(
  rawInput: unknown,
  { signal, onProgress }: TaskContext,
): Promise<FreezeOutput> {
  const input = rawInput as FreezeInput; // written by `freezeSnapshot` of the same program
  lowerPriority();
  const phases = new PhaseReporter(signal, onProgress);
  try {
    return await freeze(input, phases);
  } catch (error) {
    signal.throwIfAborted();
    throw asFileError("make a snapshot", error);
  }
}

/** Applying goes first, and so does whatever else this host does. */
function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // A sandbox may forbid it: the work is the same, only at the same priority as everything else.
  }
}

async function freeze(input: FreezeInput, phases: PhaseReporter): Promise<FreezeOutput> {
  const { databasePath, folder } = input;
  const plainPath = join(folder, PLAIN_FILE_NAME);
  await phases.run("checkpoint", null, () => checkpointLdb(databasePath));
  const bytes = ldbBytes(databasePath);
  ensureFreeSpace(folder, neededBytes(bytes, input), "a snapshot");
  await phases.run("copy", bytes, () => copyLdb(databasePath, plainPath));
  await phases.run("check", null, () => quickCheck(plainPath));
  using view = LdbView.openFile(plainPath);
  checkPublishable(view, input);
  const tables = await phases.run("digest", null, (onProgress) =>
    digestTables(view, { signal: phases.signal, onProgress }),
  );
  const outputs = outputsOf(input);
  const hashed = await phases.run("compress", bytes, (onProgress) =>
    compressFile(plainPath, outputs, {
      wantsSha1: input.legacy !== null,
      signal: phases.signal,
      onProgress,
    }),
  );
  const manifest = describeSnapshot(input, view, tables, hashed);
  if (input.legacy !== "plain") rmSync(plainPath);
  return {
    manifest: Buffer.from(serialize(manifest)).toString("utf8"),
    dataPath: outputs[0].path,
    legacy: legacyFile(plainPath, outputs, input, hashed),
    seconds: phases.seconds,
  };
}

/** As if nothing could be compressed. */
function neededBytes(bytes: number, { legacy, compression }: FreezeInput): number {
  const files = legacy === "gzip" && compression !== "gzip" ? 3 : 2;
  return bytes * files + SNAPSHOT_LIMITS.spareDiskBytes;
}

/** What no host should start from (R26). */
function checkPublishable(view: LdbView, { allowSkips }: FreezeInput): void {
  if (view.isSuperseded) throw refused("this generation was replaced by another one");
  if (view.sequence === 0n) throw refused("it is empty");
  if (view.hash === null) throw refused(`the chain's link at its sequence ${view.sequence} is not known`);
  if (view.skips > 0 && !allowSkips) {
    throw refused(
      `it may pass over ${view.skips} ledger entries`,
      "Build a fresh LDB for the Supervisor, or allow it with --allow-skips.",
    );
  }
}

function refused(state: string, hint?: string): CtlstoreError {
  const details = hint === undefined ? {} : { hint };
  return new CtlstoreError("snapshot_refused", `Cannot publish the LDB: ${state}`, details);
}

type Outputs = readonly [CompressedOutput, ...CompressedOutput[]];

function outputsOf({ folder, compression, compressionLevel, legacy }: FreezeInput): Outputs {
  const data = { path: join(folder, "data"), algorithm: compression, level: compressionLevel };
  if (legacy !== "gzip" || compression === "gzip") return [data];
  const level = SNAPSHOT_LIMITS.compressionLevels.gzip.default;
  return [data, { path: join(folder, "legacy.gz"), algorithm: "gzip", level }];
}

function legacyFile(
  plainPath: string,
  outputs: Outputs,
  { legacy }: FreezeInput,
  { plainSha1 }: CompressResult,
): FreezeOutput["legacy"] {
  if (legacy === null || plainSha1 === null) return null;
  const path = legacy === "plain" ? plainPath : (outputs[1] ?? outputs[0]).path;
  return { path, checksum: plainSha1 };
}

function describeSnapshot(
  { compression, supervisor }: FreezeInput,
  view: LdbView,
  tables: readonly TableSummary[],
  { plain, outputs: [data = plain] }: CompressResult,
): SnapshotManifest {
  return {
    formatVersion: SNAPSHOT_FORMAT_VERSION,
    sequence: view.sequence,
    epoch: view.epoch,
    hash: Buffer.from(view.hash ?? []).toString("hex"),
    ledgerTimestampUs: view.ledgerTimestampUs,
    schemaFingerprint: schemaFingerprint(view.tables),
    ldbFormatVersion: view.formatVersion,
    unattestedThrough: view.unattestedThrough,
    skips: view.skips,
    plain,
    compressed: { ...data, algorithm: compression },
    dataKey: dataKey({ sequence: view.sequence, dataSha256: data.sha256 }, compression),
    tables: tables.map(({ name, rows, digest }) => ({ name, rows, digest })),
    createdAt: new Date().toISOString(),
    supervisor,
  };
}
