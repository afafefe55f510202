/**
 * A process that reads an LDB without pause until SIGTERM, and fails at the first read that fails, that sees part of a
 * batch (I10), or that goes back in time (I5). Its last line of output is the number of its reads.
 */
import { type LdbReads, openReader, type Row } from "../../reader/index.ts";

const [path = "", family = "", table = ""] = process.argv.slice(2);
/** Reads between two looks at the signal. */
const READS_PER_TURN = 20;

let asked = false;
process.once("SIGTERM", () => {
  asked = true;
});

const reader = openReader({ path });
let sequence = 0n;
let reads = 0;

function numberOf(row: Row | null): unknown {
  if (row === null) throw new Error("a row is gone");
  return row["n"];
}

/** Both rows were written by the same batch, whichever it was. */
function expectPair(a: Row | null, b: Row | null): void {
  if (numberOf(a) !== numberOf(b)) throw new Error(`half a batch: ${numberOf(a)} and ${numberOf(b)}`);
}

function expectForward(reads: LdbReads): void {
  const now = reads.getLastSequence();
  if (now < sequence) throw new Error(`the sequence went back from ${sequence} to ${now}`);
  sequence = now;
}

function readOnce(): void {
  reader.snapshot((state) => {
    expectPair(state.getRowByKey(family, table, "a"), state.getRowByKey(family, table, "b"));
    expectForward(state);
  });
  const [a = null, b = null] = reader.getRows(family, table, ["a", "b"]);
  expectPair(a, b);
  const rows = [...reader.getRowsByKeyPrefix(family, table)];
  expectPair(rows[0] ?? null, rows[1] ?? null);
  expectForward(reader);
  reads += 5;
}

console.log("reading");
while (!asked) {
  for (let i = 0; i < READS_PER_TURN; i++) readOnce();
  // Leaves the processor to the others: three hot loops on two cores would starve what is tested.
  await Bun.sleep(2);
}
reader.close();
console.log(`reads ${reads}`);
