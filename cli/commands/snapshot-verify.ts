/** `ctlstore snapshot verify`: reads snapshots whole out of their store and checks every checksum. */
import { isCtlstoreError, messageOf } from "../../core/errors.ts";
import { VERIFY_LIMITS } from "../../core/limits.ts";
import type { SnapshotEntry } from "../../snapshot/manifest.ts";
import type { SnapshotStore } from "../../snapshot/stores/store.ts";
import { type CommandContext, command } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { switchOption } from "../options.ts";
import { jsonText, textTable } from "../print.ts";
import { jsonOption } from "../shared-options.ts";
import { bytesText, entriesOf, entryAt, wantedSequence } from "../snapshot-answer.ts";
import { snapshotsOption } from "../snapshot-options.ts";

interface Result {
  readonly sequence: SnapshotEntry["sequence"];
  readonly ok: boolean;
  /** Null when it is sound. */
  readonly problem: string | null;
}

export const snapshotVerifyCommand = command({
  name: "snapshot verify",
  summary: "download snapshots and check every length and checksum, keeping nothing",
  details: "Exits 0 when all that were looked at are sound, 1 when one is not.",
  arguments: [{ name: "sequence", help: "which one; the newest without it", kind: "optional" }],
  options: {
    snapshots: snapshotsOption,
    all: switchOption({ flag: "all", help: "check all that the index names" }),
    json: jsonOption,
  },
  examples: [
    "snapshot verify --snapshots s3://bucket/prefix",
    "snapshot verify --snapshots file:///var/lib/ctlstore/snapshots --all --json",
  ],
  async run(context, { snapshots, all, json }, [wanted]) {
    const sequence = wantedSequence(wanted);
    const { openSnapshotStore } = await import("../../snapshot/stores/open.ts");
    const signal = context.stopSignal();
    await using store = await openSnapshotStore(snapshots);
    const { entries } = await entriesOf(store, signal);
    const looked = all ? entries : [entryAt(store, entries, sequence)];
    const results: Result[] = [];
    for (const entry of looked) results.push(await verify(context, store, entry, signal));
    if (json) context.out(jsonText(results));
    else {
      const rows = results.map(({ sequence, problem }) => [String(sequence), problem ?? "sound"]);
      for (const line of textTable(["sequence", "result"], rows)) context.out(line);
    }
    const damaged = results.filter(({ ok }) => !ok).length;
    if (damaged > 0) throw new CommandFailure(`${damaged} of ${results.length} snapshots cannot be used`);
  },
});

/** What is damaged or gone is a result; a store that is away is a failure. */
async function verify(
  context: CommandContext,
  store: SnapshotStore,
  entry: SnapshotEntry,
  signal: AbortSignal,
): Promise<Result> {
  const { readManifest } = await import("../../snapshot/documents.ts");
  const { verifySnapshot } = await import("../../snapshot/verify-snapshot.ts");
  const { sequence, compressedBytes } = entry;
  let notedAtMs = context.clock.monotonicMs();
  const onProgress = (bytes: number) => {
    if (context.clock.monotonicMs() - notedAtMs < VERIFY_LIMITS.progressMs) return;
    notedAtMs = context.clock.monotonicMs();
    context.note(`${sequence}: ${bytesText(bytes)} of ${bytesText(compressedBytes)}`);
  };
  try {
    const manifest = await readManifest(store, entry, signal);
    await verifySnapshot(store, manifest, { signal, onProgress });
    return { sequence, ok: true, problem: null };
  } catch (error) {
    const isResult =
      isCtlstoreError(error) &&
      ["snapshot_damaged", "snapshot_not_found", "snapshot_incompatible"].includes(error.code);
    if (!isResult) throw error;
    return { sequence, ok: false, problem: messageOf(error) };
  }
}
