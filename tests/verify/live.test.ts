/** Comparing while writers write and the Reflector applies: no false difference, and a true one is found. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { parseTableName } from "../../core/names.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { count, DEPS, FAMILY, remove, request, table } from "../ctldb/fixture.ts";
import { reflect } from "../reflector/harness.ts";
import { Random } from "../simulation/random.ts";
import { suiteSeed } from "../support/suite.ts";
import { until } from "../support/until.ts";
import { ALL_KINDS, changeFile, makeWorld, reportOf, shown, unequal, writeRandomRows } from "./world.ts";

setDefaultTimeout(60_000);

interface Writing extends AsyncDisposable {
  readonly writes: number;
  stop(): Promise<void>;
}

/** Writes until it is told to stop; rows stay within a thousand keys, so that most writes change one. */
function startWriting(ctldb: CtlDb, seed: number): Writing {
  const random = new Random(seed);
  const state = { writes: 0, stopped: false };
  const write = async () => {
    for (; !state.stopped; state.writes++) {
      const mutations = Array.from({ length: random.between(1, 20) }, () => {
        const name = `n${random.below(1_000)}`;
        return random.chance(0.2) ? remove("counts", { name }) : count(name, random.below(1_000_000));
      });
      await ctldb.write(request(mutations));
      if (state.writes % 40 === 20) await makeAndDropTable(ctldb, state.writes);
    }
  };
  const done = write();
  const stop = () => {
    state.stopped = true;
    return done;
  };
  return {
    get writes() {
      return state.writes;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function makeAndDropTable(ctldb: CtlDb, round: number): Promise<void> {
  const passing = table(`passing${round}`, { fields: [["id", "string"]], keyFields: ["id"] });
  await ctldb.createTables([passing]);
  await ctldb.addFields(FAMILY, passing.table, [{ name: "late" as never, type: "text" }]);
  await ctldb.dropTable(FAMILY, parseTableName(`passing${round}`));
}

for (const kind of ALL_KINDS) {
  test(`D9 I8 a comparison finds no difference while writers write and the Reflector applies, on ${kind.name}`, async () => {
    await using world = await makeWorld(kind);
    const seed = suiteSeed();
    await writeRandomRows(world.ctldb, seed, 5);
    await using source = openLedgerSource(world.url, DEPS);
    await using reflector = await reflect(source, world.ldbFolder, { pollIntervalMs: 50 });
    await reflector.applies((await world.ctldb.status()).headSequence);
    await using writing = startWriting(world.ctldb, seed);
    let changing = 0;
    for (let round = 0; round < 15; round++) {
      const before = writing.writes;
      await until(() => writing.writes > before + round, { what: "writes", intervalMs: 1 });
      const report = await world.verify();
      // Tables that come and go are busy, or seen on one side as what the ledger explains.
      const found = Object.entries(unequal(report)).filter(
        ([name, status]) => !(name.startsWith("fam/passing") && ["busy", "unreadable"].includes(status)),
      );
      expect({ seed, round, found, shown: shown(reportOf(report, "counts")) }).toEqual({
        seed,
        round,
        found: [],
        shown: [],
      });
      changing += reportOf(report, "counts").changing;
    }
    await writing.stop();
    // Otherwise nothing was looked at between a write and its arrival.
    expect(changing).toBeGreaterThan(0);
    const last = await world.verify({ timeoutSeconds: 20 });
    expect(last).toMatchObject({ equal: true });
    expect(reportOf(last, "counts")).toMatchObject({ changing: 0, status: "equal" });
  });

  test(`D9 a comparison finds the one false row while writers write, on ${kind.name}`, async () => {
    await using world = await makeWorld(kind);
    const seed = suiteSeed();
    await world.ctldb.write(request([count("left alone", 1), count("n1", 1)]));
    await using source = openLedgerSource(world.url, DEPS);
    await using reflector = await reflect(source, world.ldbFolder, { pollIntervalMs: 50 });
    await reflector.applies((await world.ctldb.status()).headSequence);
    await using writing = startWriting(world.ctldb, seed);
    await until(() => writing.writes > 5, { what: "writes", intervalMs: 1 });
    changeFile(join(world.ldbFolder, "ldb.db"), [
      "UPDATE fam___counts SET count = 2 WHERE name = 'left alone'",
    ]);
    const report = await world.verify();
    await writing.stop();
    expect(shown(reportOf(report, "counts"))).toEqual(["different name=left alone: count"]);
  });
}
