/**
 * Reads one row of an LDB again and again until SIGTERM: `hot-reader.ts LDB [PAUSE_MS]`, without a pause as fast as it
 * can. Every answer must be there and of a sequence not below the one before. Prints `ready`, and at the end one line
 * of JSON (`HotReaderReport`).
 */
import { openReader } from "../../reader/index.ts";

/** Slower reads are reported one by one. */
const SLOW_MS = 1;
const READS_PER_TURN = 200;
const [path = "", pause] = process.argv.slice(2);
const reader = openReader({ path });
let reads = 0;
let slowestMs = 0;
let sequence = 0n;
let failure: string | null = null;
const slow: { atMs: number; millis: number }[] = [];
let sumMs = 0;
let isOver = false;
process.on("SIGTERM", () => {
  isOver = true;
});

function readOnce(): void {
  const from = performance.now();
  const row = reader.getRowByKey("fam", "tbl", 1);
  const millis = performance.now() - from;
  reads += 1;
  sumMs += millis;
  if (millis > slowestMs) slowestMs = millis;
  if (millis > SLOW_MS && slow.length < 10_000) slow.push({ atMs: performance.timeOrigin + from, millis });
  if (row === null) throw new Error("no row");
  const now = reader.getLastSequence();
  if (now < sequence) throw new Error(`back from ${sequence} to ${now}`);
  sequence = now;
}

readOnce();
console.log("ready");
// One more round when it is told to stop: whoever stops it knows what it must have seen.
for (let isLast = false; !isLast && failure === null; ) {
  isLast = isOver;
  try {
    for (let i = 0; i < (pause === undefined ? READS_PER_TURN : 1); i++) readOnce();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  await new Promise((resolve) => {
    if (pause === undefined) setImmediate(resolve);
    else setTimeout(resolve, Number(pause));
  });
}
reader.close();
console.log(
  JSON.stringify({ reads, meanMs: sumMs / reads, slowestMs, slow, sequence: Number(sequence), failure }),
);
