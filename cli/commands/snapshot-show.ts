/** `ctlstore snapshot show`: the manifest of one snapshot. */
import { command } from "../command.ts";
import { jsonText } from "../print.ts";
import { jsonOption } from "../shared-options.ts";
import { entriesOf, entryAt, manifestLines, wantedSequence } from "../snapshot-answer.ts";
import { snapshotsOption } from "../snapshot-options.ts";

export const snapshotShowCommand = command({
  name: "snapshot show",
  summary: "print what is in a snapshot: its place in the ledger, its sizes and checksums, its tables",
  arguments: [{ name: "sequence", help: "which one; the newest without it", kind: "optional" }],
  options: { snapshots: snapshotsOption, json: jsonOption },
  examples: [
    "snapshot show --snapshots file:///var/lib/ctlstore/snapshots",
    "snapshot show 4711 --snapshots s3://bucket/prefix --json",
  ],
  async run(context, { snapshots, json }, [wanted]) {
    const sequence = wantedSequence(wanted);
    const { openSnapshotStore } = await import("../../snapshot/stores/open.ts");
    const { readManifest } = await import("../../snapshot/documents.ts");
    const signal = context.stopSignal();
    await using store = await openSnapshotStore(snapshots);
    const { entries } = await entriesOf(store, signal);
    const manifest = await readManifest(store, entryAt(store, entries, sequence), signal);
    if (json) context.out(jsonText(manifest));
    else for (const line of manifestLines(manifest)) context.out(line);
  },
});
