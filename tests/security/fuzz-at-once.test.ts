/**
 * Random requests by the dozen at once, to two Executives on one MariaDB: none gets an answer of 5xx, and afterwards the
 * ledger is whole and the rows are what it says (I1, I8, D11).
 */
import { expect, test } from "bun:test";
import { dumpCtlDb } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { checkLedger, readWholeLedger, replayLedger } from "../support/replay-ledger.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { fetchOperations } from "./api-document.ts";
import { problemsOf } from "./fuzz-judge.ts";
import { FuzzGenerator, type FuzzKnowledge } from "./fuzz-requests.ts";
import { openFuzzPair } from "./fuzz-world.ts";

const ROUNDS = runsOf({ quick: 8, deep: 600 });
const AT_ONCE = 24;
/** What random requests destroy is made again so often. */
const REPAIR_EVERY = 5;

test(
  "I1 I8 D11 random requests at once, to two Executives, get no 5xx and leave a ledger that is whole",
  async () => {
    const ctldbUrl = await (await sharedMariadb()).createDatabase();
    const seed = suiteSeed();
    {
      await using pair = await openFuzzPair(ctldbUrl);
      const generator = new FuzzGenerator(await fetchOperations(pair.urls[0]), seededRandom(seed));
      let known: FuzzKnowledge | null = null;
      for (let round = 0; round < ROUNDS; round++) {
        if (known === null || round % REPAIR_EVERY === 0) known = await pair.repair(round / REPAIR_EVERY);
        const knowledge = known;
        const requests = Array.from({ length: AT_ONCE }, () => generator.next(knowledge));
        const answers = await Promise.all(requests.map((request, i) => pair.send(request, i)));
        for (const [i, request] of requests.entries()) {
          const answer = answers[i];
          const problems = answer === undefined ? ["no answer"] : problemsOf(request, answer);
          if (problems.length > 0)
            throw new Error(
              `seed ${seed}, round ${round}: ${request.method} ${request.path.slice(0, 500)}\n${answer?.status} ${answer?.text.slice(0, 2_000)}\n${problems.join("\n")}`,
            );
        }
        expect(pair.complaints()).toEqual([]);
      }
    }
    const ledger = await readWholeLedger(ctldbUrl);
    expect(ledger.entries.length).toBeGreaterThan(0);
    expect(() => checkLedger(ledger)).not.toThrow();
    expect(await dumpCtlDb(ctldbUrl)).toEqual(replayLedger(ledger.entries));
  },
  timeoutMsOf({ quick: 60_000, deep: 900_000 }),
);
