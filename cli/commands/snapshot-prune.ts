/** `ctlstore snapshot prune`: removes old snapshots, as a Supervisor does after each publication. */
import { command } from "../command.ts";
import { switchOption } from "../options.ts";
import { jsonText } from "../print.ts";
import { jsonOption } from "../shared-options.ts";
import { entriesOf, entryLines } from "../snapshot-answer.ts";
import { RETENTION_OPTIONS, snapshotsOption } from "../snapshot-options.ts";

export const snapshotPruneCommand = command({
  name: "snapshot prune",
  summary: "remove old snapshots from a store; the newest always stays",
  details:
    "A running Supervisor does the same after each snapshot, with its own --keep and --keep-for. What was uploaded and " +
    "never published goes when it is older than a day.",
  options: {
    snapshots: snapshotsOption,
    ...RETENTION_OPTIONS,
    dryRun: switchOption({ flag: "dry-run", help: "only print the snapshots that would go" }),
    json: jsonOption,
  },
  examples: [
    "snapshot prune --snapshots s3://bucket/prefix --keep 24 --keep-for 7d --dry-run",
    "snapshot prune --snapshots file:///var/lib/ctlstore/snapshots --keep 3 --keep-for 0s",
  ],
  async run(context, { snapshots, keep, keepFor, dryRun, json }) {
    const { openSnapshotStore } = await import("../../snapshot/stores/open.ts");
    const { prunable, pruneSnapshots } = await import("../../snapshot/publish/prune.ts");
    const { clock } = context;
    const signal = context.stopSignal();
    const retention = { keep, keepForMs: keepFor };
    await using store = await openSnapshotStore(snapshots, { clock });
    const { index } = await entriesOf(store, signal);
    const supervisorId = index.publishedBy;
    const { dropped, removed } = dryRun
      ? { dropped: await prunable({ store, clock }, { retention, signal }), removed: [] }
      : await pruneSnapshots({ store, clock }, { retention, supervisorId, signal });
    if (json) {
      context.out(jsonText({ dryRun, dropped, removed }));
      return;
    }
    if (dropped.length > 0) for (const line of entryLines(dropped)) context.out(line);
    context.note(
      dryRun
        ? `${dropped.length} snapshots would go`
        : `${dropped.length} snapshots and ${removed.length} objects removed`,
    );
  },
});
