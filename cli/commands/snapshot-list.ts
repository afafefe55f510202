/** `ctlstore snapshot list`: the snapshots that a store has. */
import { command } from "../command.ts";
import { jsonText } from "../print.ts";
import { jsonOption } from "../shared-options.ts";
import { entriesOf, entryLines } from "../snapshot-answer.ts";
import { snapshotsOption } from "../snapshot-options.ts";

export const snapshotListCommand = command({
  name: "snapshot list",
  summary: "print the snapshots of a store, the newest first",
  options: { snapshots: snapshotsOption, json: jsonOption },
  examples: [
    "snapshot list --snapshots file:///var/lib/ctlstore/snapshots",
    "snapshot list --snapshots s3://bucket/prefix --json",
  ],
  async run(context, { snapshots, json }) {
    const { openSnapshotStore } = await import("../../snapshot/stores/open.ts");
    await using store = await openSnapshotStore(snapshots);
    const { index, entries } = await entriesOf(store, context.stopSignal());
    if (json) context.out(jsonText(index));
    else for (const line of entryLines(entries)) context.out(line);
  },
});
