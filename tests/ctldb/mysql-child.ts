/**
 * A process of its own that changes the schema of a ctldb, to be killed or stopped in the middle.
 *
 * Arguments: URL, change (create | add | drop | clear | preview), idle seconds of its sessions. It says "ready" when it has opened the
 * ctldb, waits for a SIGUSR1, makes the change and says how that ended.
 */
import { isCtlstoreError } from "../../core/errors.ts";
import { COUNTS, FAMILY, open, table } from "./fixture.ts";

const [url = "", change = "", idleSeconds = "60"] = process.argv.slice(2);
const ctldb = await open(url, { timeouts: { sessionIdleSeconds: Number(idleSeconds) } });

/** Stands in the intent, for whoever finishes the change. */
const AS = { actor: "child" };

const CHANGES: Readonly<Record<string, () => Promise<unknown>>> = {
  create: () =>
    ctldb.createTables(
      [
        table("made_a", { fields: [["id", "string"]], keyFields: ["id"] }),
        table("made_b", { fields: [["id", "integer"]], keyFields: ["id"] }),
      ],
      AS,
    ),
  add: () =>
    ctldb.addFields(
      FAMILY,
      COUNTS.table,
      [
        { name: "extra_1" as never, type: "text" },
        { name: "extra_2" as never, type: "decimal" },
      ],
      AS,
    ),
  drop: () => ctldb.dropTable(FAMILY, COUNTS.table, AS),
  clear: () => ctldb.clearRows(FAMILY, null, AS),
  preview: () =>
    ctldb.preview({
      kind: "create",
      tables: [table("made_a", { fields: [["id", "string"]], keyFields: ["id"] })],
    }),
};

process.once("SIGUSR1", async () => {
  try {
    await CHANGES[change]?.();
    console.log("ended: done");
  } catch (error) {
    console.log(`ended: ${isCtlstoreError(error) ? error.code : String(error)}`);
  }
  process.exit(0);
});
console.log("ready");
setInterval(() => {}, 1_000);
