/** Comparing two LDBs of one ctldb while their Reflectors write them: no difference that is none without a warning. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { compareLdbs } from "../../verify/compare-ldbs.ts";
import { count, DEPS, openFilled, remove, request } from "../ctldb/fixture.ts";
import { reflect } from "../reflector/harness.ts";
import { Random } from "../simulation/random.ts";
import { runsOf, suiteSeed } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { changeFile, unequal } from "./world.ts";

setDefaultTimeout(60_000);

const QUIET = { shownDifferences: 3, onProgress: () => {} };

test("D9 I8 two LDBs that are written differ only where somebody changed one, or else with a warning", async () => {
  using folder = tempFolder("two-ldbs");
  const url = `sqlite:${folder.file("ctldb.db")}`;
  await using ctldb = await openFilled(url);
  await using source = openLedgerSource(url, DEPS);
  await using otherSource = openLedgerSource(url, DEPS);
  const paths = { ldb: folder.file("a"), other: folder.file("b") };
  await using first = await reflect(source, paths.ldb);
  await using second = await reflect(otherSource, paths.other, { pollIntervalMs: 11 });
  const seed = suiteSeed();
  const random = new Random(seed);
  const state = { stopped: false };
  const writing = (async () => {
    while (!state.stopped) {
      const name = () => `n${random.below(200)}`;
      const mutations = Array.from({ length: random.between(1, 9) }, () =>
        random.chance(0.3) ? remove("counts", { name: name() }) : count(name(), random.below(1_000)),
      );
      await ctldb.write(request(mutations));
    }
  })();
  await Promise.all([first.applies(3n), second.applies(3n)]);
  const looks = runsOf({ quick: 12, deep: 300 });
  for (let look = 0; look < looks; look++) {
    const report = await compareLdbs(systemClock, { ...QUIET, ...paths, timeoutSeconds: random.below(2) });
    if (report.warnings.length === 0)
      expect({ seed, unequal: unequal(report) }).toEqual({ seed, unequal: {} });
    else expect(report.warnings[0]).toContain("what the ledger changed between the two");
  }
  state.stopped = true;
  await writing;
  const { headSequence } = await ctldb.status();
  await Promise.all([first.applies(headSequence), second.applies(headSequence)]);
  const settled = await compareLdbs(systemClock, { ...QUIET, ...paths, timeoutSeconds: 5 });
  expect(settled).toMatchObject({ equal: true, warnings: [], ldbSequence: headSequence, headSequence });
  changeFile(`${paths.other}/ldb.db`, ["INSERT INTO fam___counts VALUES ('stranger', 1)"]);
  const changed = await compareLdbs(systemClock, { ...QUIET, ...paths, timeoutSeconds: 5 });
  expect(unequal(changed)).toEqual({ "fam/counts": "different" });
});
