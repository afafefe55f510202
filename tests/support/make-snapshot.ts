/** Snapshots of small LDBs for tests, made in this process, and put into a store's folder whatever sense that makes. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { schemaFingerprint } from "../../core/digest/schema-fingerprint.ts";
import { hashToHex } from "../../core/ledger/chain.ts";
import { copyLdb } from "../../ldb/copy-database.ts";
import { LdbView } from "../../ldb/ldb-view.ts";
import { entryOf } from "../../snapshot/documents.ts";
import { type Compression, dataKey, INDEX_KEY, manifestKey } from "../../snapshot/layout.ts";
import {
  SNAPSHOT_FORMAT_VERSION,
  type SnapshotEntry,
  type SnapshotManifest,
  serialize,
} from "../../snapshot/manifest.ts";
import { tempFolder } from "./temp-folder.ts";

export interface MadeSnapshot {
  readonly manifest: SnapshotManifest;
  readonly data: Uint8Array;
  readonly entry: SnapshotEntry;
}

export interface SnapshotChanges {
  readonly algorithm?: Compression;
  /** The database before it is compressed. */
  readonly plain?: (database: Uint8Array) => Uint8Array;
  /** What the manifest says, after all has been described rightly. */
  readonly manifest?: (manifest: SnapshotManifest) => SnapshotManifest;
}

/** A snapshot of the LDB in a folder, as it is now; a Reflector may have it open. */
export function makeSnapshot(ldbFolder: string, changes: SnapshotChanges = {}): MadeSnapshot {
  using folder = tempFolder("snapshot");
  const path = folder.file("plain.db");
  copyLdb(join(ldbFolder, "ldb.db"), path);
  const { algorithm = "zstd" } = changes;
  const found = new Uint8Array(readFileSync(path));
  const plain = changes.plain?.(found) ?? found;
  const data = new Uint8Array(algorithm === "gzip" ? gzipSync(plain) : zstdCompressSync(plain));
  const right = describe(path, plain, data, algorithm);
  const manifest = changes.manifest?.(right) ?? right;
  return { manifest, data, entry: entryOf(manifest, { key: keyOf(manifest), bytes: serialize(manifest) }) };
}

function describe(
  path: string,
  plain: Uint8Array,
  data: Uint8Array,
  algorithm: Compression,
): SnapshotManifest {
  using view = LdbView.openFile(path);
  return {
    formatVersion: SNAPSHOT_FORMAT_VERSION,
    sequence: view.sequence,
    epoch: view.epoch,
    hash: hashToHex(view.hash ?? new Uint8Array(32)),
    ledgerTimestampUs: view.ledgerTimestampUs,
    schemaFingerprint: schemaFingerprint(view.tables),
    ldbFormatVersion: view.formatVersion,
    unattestedThrough: view.unattestedThrough,
    skips: view.skips,
    plain: { bytes: plain.length, sha256: sha256(plain) },
    compressed: { bytes: data.length, sha256: sha256(data), algorithm },
    dataKey: dataKey({ sequence: view.sequence, dataSha256: sha256(data) }, algorithm),
    tables: [],
    createdAt: new Date().toISOString(),
    supervisor: { id: "test", version: "0.0.0" },
  };
}

/** A store in a folder with these snapshots, the newest first; returns its URL. */
export function storeSnapshots(folder: string, snapshots: readonly MadeSnapshot[]): string {
  for (const { manifest, data } of snapshots) {
    put(folder, manifest.dataKey, data);
    put(folder, keyOf(manifest), serialize(manifest));
  }
  return storeIndex(
    folder,
    snapshots.map(({ entry }) => entry),
  );
}

/** Only the index. */
export function storeIndex(folder: string, entries: readonly SnapshotEntry[]): string {
  const [latest, ...previous] = entries;
  mkdirSync(folder, { recursive: true });
  if (latest !== undefined) {
    const published = { publishedAt: new Date().toISOString(), publishedBy: "test" };
    const index = { formatVersion: 1 as const, publicationId: crypto.randomUUID(), ...published };
    put(folder, INDEX_KEY, serialize({ ...index, latest, previous }));
  }
  return pathToFileURL(folder).href;
}

export function dataPath(folder: string, { manifest }: MadeSnapshot): string {
  return join(folder, manifest.dataKey);
}

function put(folder: string, key: string, bytes: Uint8Array): void {
  const path = join(folder, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

function keyOf({ sequence, compressed }: SnapshotManifest): string {
  return manifestKey({ sequence, dataSha256: compressed.sha256 });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
