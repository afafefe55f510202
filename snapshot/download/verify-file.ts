/**
 * Believes nothing that is not read from the file (R29): the position, the identity and the schema of a database that
 * was fetched are those of its manifest, and SQLite finds it sound.
 */

import { schemaFingerprint } from "../../core/digest/schema-fingerprint.ts";
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { hashToHex } from "../../core/ledger/chain.ts";
import { quickCheck } from "../../ldb/copy-database.ts";
import { LdbView } from "../../ldb/ldb-view.ts";
import type { SnapshotEntry, SnapshotManifest } from "../manifest.ts";

/** @throws CtlstoreError `snapshot_damaged`, `snapshot_incompatible` */
export function verifyFile(path: string, manifest: SnapshotManifest): void {
  try {
    quickCheck(path);
    using view = LdbView.openFile(path);
    compare(view, manifest);
  } catch (error) {
    throw isCtlstoreError(error) ? ofSnapshot(error, manifest) : error;
  }
}

function compare(view: LdbView, manifest: SnapshotManifest): void {
  const pairs: ReadonlyArray<readonly [what: string, found: unknown, stated: unknown]> = [
    ["sequence", view.sequence, manifest.sequence],
    ["epoch", view.epoch, manifest.epoch],
    ["hash", view.hash === null ? null : hashToHex(view.hash), manifest.hash],
    ["format", view.formatVersion, manifest.ldbFormatVersion],
    ["timestamp", view.ledgerTimestampUs, manifest.ledgerTimestampUs],
    ["last unattested entry", view.unattestedThrough, manifest.unattestedThrough],
    ["number of skipped entries", view.skips, manifest.skips],
    ["schema", schemaFingerprint(view.tables), manifest.schemaFingerprint],
  ];
  for (const [what, found, stated] of pairs) {
    if (found !== stated)
      throw mismatch(manifest, `its ${what} is ${found}, and its manifest says ${stated}`);
  }
  if (view.sequence === 0n) throw mismatch(manifest, "it is empty");
  if (view.isSuperseded) throw mismatch(manifest, "it is marked as replaced by another one");
}

/** @throws CtlstoreError `snapshot_damaged` when the index and the manifest do not say the same */
export function compareWithEntry(manifest: SnapshotManifest, entry: SnapshotEntry): void {
  const pairs: ReadonlyArray<readonly [what: string, found: unknown, stated: unknown]> = [
    ["sequence", manifest.sequence, entry.sequence],
    ["epoch", manifest.epoch, entry.epoch],
    ["hash", manifest.hash, entry.hash],
    ["plain size", manifest.plain.bytes, entry.plainBytes],
    ["compressed size", manifest.compressed.bytes, entry.compressedBytes],
  ];
  for (const [what, found, stated] of pairs) {
    if (found !== stated)
      throw mismatch(entry, `the ${what} in its manifest is ${found}, in the index ${stated}`);
  }
}

function mismatch({ sequence }: Pick<SnapshotEntry, "sequence">, what: string): CtlstoreError {
  return new CtlstoreError("snapshot_damaged", `Cannot use the snapshot of sequence ${sequence}: ${what}`);
}

/** What is wrong with a fetched file is wrong with the snapshot, not with the LDB of this host. */
function ofSnapshot(error: CtlstoreError, { sequence }: SnapshotManifest): CtlstoreError {
  const message = `Cannot use the snapshot of sequence ${sequence}: ${error.message}`;
  if (error.code === "ldb_damaged" || error.code === "ldb_empty") {
    return new CtlstoreError("snapshot_damaged", message, { cause: error });
  }
  if (error.code !== "ldb_incompatible") return error;
  return new CtlstoreError("snapshot_incompatible", message, { cause: error, hint: "Use a newer ctlstore." });
}
