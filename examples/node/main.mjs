/**
 * Reads the local database of this host on Node (22.13 or newer; 20 with better-sqlite3).
 *
 *     LDB=../../data/ldb node main.mjs [SEQUENCE]
 *
 * SEQUENCE is what a write answered: with it, the program sees that write.
 */
import { isCtlstoreError, openReader } from "ctlstore-reader";

const reader = openReader({
  path: process.env.LDB ?? "/var/spool/ctlstore",
  // Prices may be beyond 2^53. Without this, such a one is an error, never a rounded number.
  integers: "bigint",
});

try {
  const [sequence] = process.argv.slice(2);
  if (sequence !== undefined) await reader.waitFor(sequence, { timeoutMs: 10_000 });

  // One row by its key, in key order; null when there is none.
  const apple = reader.getRowByKey("shop", "prices", "eu", "apple");
  console.log(`an apple in Europe: ${apple === null ? "not sold" : `${apple.cents} cents`}`);

  // Several reads of one committed state: a batch is seen whole or not at all.
  reader.snapshot((reads) => {
    for (const region of reads.getRows("shop", "regions", ["eu", "us", "mars"])) {
      if (region === null) continue;
      const prices = [...reads.getRowsByKeyPrefix("shop", "prices", region.region)];
      console.log(`${region.name}: ${prices.map(({ sku, cents }) => `${sku} ${cents}`).join(", ")}`);
    }
  });

  console.log(`at sequence ${reader.getLastSequence()}, ${reader.getLedgerLatency().toFixed(1)} s old`);
} catch (error) {
  if (!isCtlstoreError(error)) throw error;
  // Branch on the code, never on the text. "ldb_empty" and others mean: ask later; they never mean "no such row".
  console.error(`cannot read [${error.code}]: ${error.message}`);
  process.exitCode = 1;
} finally {
  reader.close();
}
