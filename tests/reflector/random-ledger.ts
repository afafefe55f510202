/** A ledger made of a seed: the same in every process that is given the seed, for tests that kill and restart. */
import { seededRandom } from "../support/suite.ts";
import { CREATE_T, MemoryLedger, put } from "./memory-ledger.ts";

const KEYS = 60;

/** Rows put, changed and deleted, singly and in ledger transactions, with tables and fields coming and going. */
export function randomLedger(seed: number, statements: number): MemoryLedger {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  let fields = 0;
  const change = () =>
    random() < 0.15
      ? `DELETE FROM fam___tbl WHERE "k" = ${below(KEYS)}`
      : put(below(KEYS), `${below(1_000_000)}${"x".repeat(below(150))}`);
  while (ledger.head < statements) {
    const dice = random();
    if (dice < 0.5) ledger.append(change());
    else if (dice < 0.97) ledger.appendTransaction(...Array.from({ length: 2 + below(30) }, change));
    else if (dice < 0.98) ledger.append("DELETE FROM fam___tbl");
    else if (dice < 0.99) {
      ledger.append(`ALTER TABLE fam___tbl ADD COLUMN "f${fields}" INTEGER`);
      fields += 1;
    } else {
      ledger.append("DROP TABLE IF EXISTS fam___tbl", CREATE_T);
      fields = 0;
    }
  }
  return ledger;
}
