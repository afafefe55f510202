/**
 * Reads one row of an LDB again and again until standard input says a line or ends: `hot-reader.ts LDB`. Every answer
 * must be there, whole, and of a sequence not below the one before. Prints `ready`, and at the end one line of JSON.
 */
import { openReader } from "../../reader/index.ts";

const [path = ""] = process.argv.slice(2);
const reader = openReader({ path });
let reads = 0;
let slowestMs = 0;
let sequence = 0n;
let failure: string | null = null;
const stalls: number[] = [];
let isOver = false;
process.on("SIGTERM", () => {
  isOver = true;
});

function readOnce(): void {
  const from = performance.now();
  const row = reader.getRowByKey("fam", "tbl", 1);
  const millis = performance.now() - from;
  reads += 1;
  if (millis > slowestMs) slowestMs = millis;
  if (millis > 5) stalls.push(millis);
  if (row === null) throw new Error("no row");
  const now = reader.getLastSequence();
  if (now < sequence) throw new Error(`back from ${sequence} to ${now}`);
  sequence = now;
}

readOnce();
console.log("ready");
while (!isOver && failure === null) {
  try {
    for (let i = 0; i < 200; i++) readOnce();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  await new Promise((resolve) => setImmediate(resolve));
}
reader.close();
console.log(JSON.stringify({ reads, slowestMs, stalls, sequence: Number(sequence), failure }));
