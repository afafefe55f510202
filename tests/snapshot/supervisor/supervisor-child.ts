/**
 * A Supervisor as a process of its own, over a ledger that every such process makes alike and that grows all the time:
 * `supervisor-child.ts LDB-FOLDER STORE-URL ID`. The ledger begins where the LDB is.
 */
import { readSequence } from "../../../ldb/position.ts";
import { WritableDatabase } from "../../../ldb/writable-database.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import { reflect } from "../../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../../reflector/memory-ledger.ts";
import { supervise } from "./harness.ts";

const [ldbFolder = "", storeUrl = "", id = ""] = process.argv.slice(2);
const FIRST_ENTRIES = 300;

/** Entry `n` is the same in every process. */
function grow(ledger: MemoryLedger, until: number): void {
  if (ledger.head === 0n) ledger.append(CREATE_T);
  for (let n = Number(ledger.head) + 1; n <= until; n++) ledger.append(put(n % 200, `${n} `.repeat(30)));
}

function sequenceOf(path: string): number {
  try {
    using database = WritableDatabase.open(path);
    return Number(readSequence(database));
  } catch {
    return 0; // there is no LDB yet
  }
}

const ledger = new MemoryLedger();
grow(ledger, sequenceOf(`${ldbFolder}/ldb.db`) + FIRST_ENTRIES);
setInterval(() => grow(ledger, Number(ledger.head) + 3), 5);
const reflector = await reflect(ledger, ldbFolder);
const store = await openSnapshotStore(storeUrl);
const supervisor = await supervise(reflector, store, {
  ldbFolder,
  id,
  intervalMs: 5,
  retention: { keep: 3, keepForMs: 0 },
});
process.on("SIGTERM", async () => {
  await supervisor.stop();
  await reflector.stop();
  process.exit(0);
});
console.log("started");
