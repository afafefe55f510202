/** Snapshots as text for people. */
import { CtlstoreError, quote } from "../core/errors.ts";
import { type Sequence, toSequence } from "../core/sequence.ts";
import type { SnapshotEntry, SnapshotIndex, SnapshotManifest } from "../snapshot/manifest.ts";
import type { SnapshotStore } from "../snapshot/stores/store.ts";
import { parseArgument } from "./arguments.ts";
import { textTable } from "./print.ts";

/** All that an index names, newest first. @throws CtlstoreError `snapshot_not_found` where there is no index */
export async function entriesOf(
  store: SnapshotStore,
  signal: AbortSignal,
): Promise<{ readonly index: SnapshotIndex; readonly entries: readonly SnapshotEntry[] }> {
  const { readIndex } = await import("../snapshot/documents.ts");
  const found = await readIndex(store, signal);
  if (found !== null) return { index: found.index, entries: [found.index.latest, ...found.index.previous] };
  throw new CtlstoreError(
    "snapshot_not_found",
    `Cannot find a snapshot in ${quote(store.url)}: there is no latest.json`,
    { hint: "Is it the right --snapshots? `ctlstore supervisor` publishes there." },
  );
}

/** The sequence that was asked for; null asks for the newest. */
export function wantedSequence(argument: string | undefined): Sequence | null {
  return argument === undefined ? null : parseArgument("SEQUENCE", argument, toSequence);
}

/** The entry of a sequence, or the newest. @throws CtlstoreError `snapshot_not_found` */
export function entryAt(
  store: SnapshotStore,
  entries: readonly SnapshotEntry[],
  sequence: Sequence | null,
): SnapshotEntry {
  const found = sequence === null ? entries[0] : entries.find((entry) => entry.sequence === sequence);
  if (found !== undefined) return found;
  throw new CtlstoreError(
    "snapshot_not_found",
    `Cannot find the snapshot of sequence ${sequence} in ${quote(store.url)}: the index does not name it`,
    { hint: "`ctlstore snapshot list` names those that are there." },
  );
}

export function entryLines(entries: readonly SnapshotEntry[]): string[] {
  return textTable(
    ["sequence", "created", "compressed", "plain", "epoch"],
    entries.map((entry) => [
      String(entry.sequence),
      entry.createdAt,
      bytesText(entry.compressedBytes),
      bytesText(entry.plainBytes),
      entry.epoch ?? "-",
    ]),
  );
}

export function manifestLines(manifest: SnapshotManifest): string[] {
  const { plain, compressed, tables, supervisor } = manifest;
  const facts = [
    ["sequence", String(manifest.sequence)],
    ["epoch", manifest.epoch ?? "-"],
    ["hash", manifest.hash],
    ["created", `${manifest.createdAt} by ${supervisor.id} (ctlstore ${supervisor.version})`],
    ["data", manifest.dataKey],
    ["compressed", `${bytesText(compressed.bytes)}, ${compressed.algorithm}, sha256 ${compressed.sha256}`],
    ["plain", `${bytesText(plain.bytes)}, sha256 ${plain.sha256}`],
    ["schema", manifest.schemaFingerprint],
    ["unattested through", String(manifest.unattestedThrough)],
    ["passed over", String(manifest.skips)],
  ];
  const rows = tables.map(({ name, rows, digest }) => [
    name.replace("___", "/"),
    String(rows),
    digest.slice(0, 16),
  ]);
  return [...textTable(["what", "value"], facts), "", ...textTable(["table", "rows", "digest"], rows)];
}

/** 1234567 as "1.2 MiB". */
export function bytesText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} bytes` : `${value.toFixed(1)} ${units[unit]}`;
}
