/**
 * What a store says about its snapshots: a manifest for each, and the index that names the newest (docs/snapshot-format.md).
 *
 * Whatever is read here comes from outside and is parsed. Later versions may add members; a higher `formatVersion` says
 * that an older ctlstore could not read the rest rightly.
 */
import * as v from "valibot";
import { CtlstoreError, quote } from "../core/errors.ts";
import { type Sequence, toSequence } from "../core/sequence.ts";

export const SNAPSHOT_FORMAT_VERSION = 1;

/** More entries than any sane retention keeps; the index stays a small document. */
const MOST_SNAPSHOTS = 1_000;

const Hex32 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Epoch = v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)));
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A decimal string: not every reader of JSON keeps 64 bits. */
const SequenceText = v.pipe(
  v.string(),
  // One check: valibot would run a second one also after the first has failed.
  v.check((text) => /^(?:0|[1-9]\d{0,18})$/.test(text) && BigInt(text) < 2n ** 63n, "not a sequence"),
  v.transform((text): Sequence => toSequence(text)),
);
const Key = v.pipe(v.string(), v.maxLength(512), v.regex(/^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.-][\w./-]*$/));
const Time = v.pipe(v.string(), v.isoTimestamp());

const ManifestSchema = v.object({
  formatVersion: v.literal(SNAPSHOT_FORMAT_VERSION),
  /** The last ledger entry in the rows. */
  sequence: SequenceText,
  /** The ctldb's identity; null where the original's ctldb has none yet. */
  epoch: Epoch,
  /** The chain's link at `sequence`. */
  hash: Hex32,
  /** When that entry was written, in microseconds since 1970. */
  ledgerTimestampUs: Count,
  /** SHA-256 over the tables' definitions (`schemaFingerprint`). */
  schemaFingerprint: Hex32,
  ldbFormatVersion: Count,
  /** The last entry applied without a hash to check it against; "0" for none. */
  unattestedThrough: SequenceText,
  /** Ledger entries that the Supervisor's LDB passed over. */
  skips: Count,
  plain: v.object({ bytes: Count, sha256: Hex32 }),
  compressed: v.object({ bytes: Count, sha256: Hex32, algorithm: v.picklist(["zstd", "gzip"]) }),
  /** Where the data is, relative to the store. */
  dataKey: Key,
  tables: v.array(v.object({ name: v.string(), rows: Count, digest: Hex32 })),
  createdAt: Time,
  supervisor: v.object({ id: v.string(), version: v.string() }),
});
export type SnapshotManifest = v.InferOutput<typeof ManifestSchema>;

const EntrySchema = v.object({
  sequence: SequenceText,
  epoch: Epoch,
  hash: Hex32,
  manifestKey: Key,
  /** SHA-256 of the manifest's bytes. */
  manifestSha256: Hex32,
  compressedBytes: Count,
  plainBytes: Count,
  createdAt: Time,
});
/** One snapshot as the index names it: enough to judge whether it fits, before anything is fetched. */
export type SnapshotEntry = v.InferOutput<typeof EntrySchema>;

const IndexSchema = v.object({
  formatVersion: v.literal(SNAPSHOT_FORMAT_VERSION),
  /** Unique to each publication: tells our own write from another's. */
  publicationId: v.pipe(v.string(), v.uuid()),
  publishedAt: Time,
  publishedBy: v.string(),
  latest: EntrySchema,
  /** Those before it that are still kept, newest first. */
  previous: v.pipe(v.array(EntrySchema), v.maxLength(MOST_SNAPSHOTS)),
});
export type SnapshotIndex = v.InferOutput<typeof IndexSchema>;

/** @param source where the bytes are from, for messages. @throws CtlstoreError `snapshot_damaged`, `snapshot_incompatible` */
export function parseManifest(bytes: Uint8Array, source: string): SnapshotManifest {
  return parse(ManifestSchema, bytes, source);
}

/** @param source where the bytes are from, for messages. @throws CtlstoreError `snapshot_damaged`, `snapshot_incompatible` */
export function parseIndex(bytes: Uint8Array, source: string): SnapshotIndex {
  return parse(IndexSchema, bytes, source);
}

/** One entry of an index by itself, as it is passed to a task. @throws CtlstoreError `snapshot_damaged` */
export function parseEntry(bytes: Uint8Array, source: string): SnapshotEntry {
  return parse(EntrySchema, bytes, source);
}

/** The bytes of a manifest or an index, as they are stored: indented JSON, sequences as strings. */
export function serialize(document: SnapshotManifest | SnapshotIndex | SnapshotEntry): Uint8Array {
  const text = JSON.stringify(
    document,
    (_, value) => (typeof value === "bigint" ? value.toString() : value),
    2,
  );
  return new TextEncoder().encode(`${text}\n`);
}

function parse<S extends typeof ManifestSchema | typeof IndexSchema | typeof EntrySchema>(
  schema: S,
  bytes: Uint8Array,
  source: string,
): v.InferOutput<S> {
  const value = parseJson(bytes, source);
  refuseNewer(value, source);
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? "the document";
  throw new CtlstoreError("snapshot_damaged", `Cannot use ${source}: ${where}: ${issue.message}`);
}

function parseJson(bytes: Uint8Array, source: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CtlstoreError("snapshot_damaged", `Cannot use ${source}: it is not JSON`, { cause });
  }
}

function refuseNewer(value: unknown, source: string): void {
  const version =
    typeof value === "object" && value !== null && "formatVersion" in value ? value.formatVersion : null;
  if (typeof version !== "number" || version <= SNAPSHOT_FORMAT_VERSION) return;
  throw new CtlstoreError(
    "snapshot_incompatible",
    `Cannot use ${source}: its format is ${quote(version)}; this ctlstore knows up to ${SNAPSHOT_FORMAT_VERSION}`,
    { hint: "Use a newer ctlstore." },
  );
}
