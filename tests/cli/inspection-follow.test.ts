/** `ledger tail -f` over an Executive that goes away: no entry is missed, none is printed twice. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createMetrics } from "../../core/process/metrics.ts";
import { toSequence } from "../../core/sequence.ts";
import type { openCtlDb } from "../../ctldb/open.ts";
import { type RunningExecutive, startExecutive } from "../../server/executive.ts";
import { count, DEPS, openFilled, request } from "../ctldb/fixture.ts";
import { Random } from "../simulation/random.ts";
import { TEST_ADMIN_TOKEN } from "../support/secrets.ts";
import { runsOf, suiteSeed } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { runAgainst } from "./operator-world.ts";

setDefaultTimeout(60_000);

const OPTIONS = { adminToken: TEST_ADMIN_TOKEN, destructiveSchemaChanges: false };

function start(ctldb: Awaited<ReturnType<typeof openCtlDb>>, bind: string): Promise<RunningExecutive> {
  return startExecutive(
    { ctldb, logger: DEPS.logger, clock: DEPS.clock, metrics: createMetrics() },
    { ...OPTIONS, bind },
  );
}

test("R47 ledger tail -f prints each entry once and in order, and says once each time that the Executive is away", async () => {
  using folder = tempFolder("follow");
  await using ctldb = await openFilled(`sqlite:${folder.file("ctldb.db")}`);
  const random = new Random(suiteSeed());
  let executive = await start(ctldb, "127.0.0.1:0");
  const bind = new URL(executive.url).host;
  const stop = new AbortController();
  const [lines, notes]: [string[], string[]] = [[], []];
  const following = runAgainst(executive.url, ["ledger", "tail", "-f", "-n", "1000", "--json"], {
    stopSignal: () => stop.signal,
    clock: { ...DEPS.clock, sleep: (_ms, signal) => DEPS.clock.sleep(5, signal) },
    out: (line) => void lines.push(line),
    note: (line) => void notes.push(line),
  });
  await until(() => lines.length > 0, { what: "what was there" });
  const restarts = runsOf({ quick: 4, deep: 60 });
  for (let i = 0; i < restarts; i++) {
    const writes = random.between(1, 8);
    for (let j = 0; j < writes; j++) await ctldb.write(request([count(`n${i}`, j), count("all", j)]));
    if (random.chance(0.5)) {
      const { headSequence } = await ctldb.status();
      await until(() => lines.length >= Number(headSequence), { what: "what was written" });
    }
    await executive.stop();
    await until(() => notes.length === 2 * i + 1, { what: "that the Executive is away" });
    await ctldb.write(request([count("while away", i)]));
    executive = await start(ctldb, bind);
    await until(() => notes.length === 2 * i + 2, { what: "that it is back" });
  }
  const { headSequence } = await ctldb.status();
  await until(() => lines.length >= Number(headSequence), { what: "the rest" });
  stop.abort();
  expect(await following).toMatchObject({ code: 0 });
  await executive.stop();
  const sequences = lines.map((line) => toSequence((JSON.parse(line) as { sequence: number }).sequence));
  expect(sequences).toEqual(Array.from({ length: Number(headSequence) }, (_, i) => toSequence(i + 1)));
  expect(
    notes.filter((_, i) => i % 2 === 0).every((note) => note.includes("[ctldb_unavailable]; it is asked")),
  ).toBeTrue();
});

test("ledger tail -f with a filter prints what comes of that table alone, and ends at a limit when it has a place to begin", async () => {
  using folder = tempFolder("follow");
  await using ctldb = await openFilled(`sqlite:${folder.file("ctldb.db")}`);
  const executive = await start(ctldb, "127.0.0.1:0");
  const lines: string[] = [];
  const { headSequence } = await ctldb.status();
  const flags = ["--after", String(headSequence), "-n", "3", "--family", "fam", "--table", "counts"];
  const following = runAgainst(executive.url, ["ledger", "tail", "-f", "--json", ...flags], {
    out: (line) => void lines.push(line),
  });
  for (let i = 0; i < 4; i++) await ctldb.write(request([count(`n${i}`, i)]));
  expect((await following).code).toBe(0);
  expect(lines).toHaveLength(3);
  await executive.stop();
});

test("ledger tail -f fails at once when there is no Executive to begin with", async () => {
  const { code, notes } = await runAgainst("http://127.0.0.1:1", ["ledger", "tail", "-f"]);
  expect(code).toBe(1);
  expect(notes).toContain("[ctldb_unavailable]");
  const after = await runAgainst("http://127.0.0.1:1", ["ledger", "tail", "-f", "--after", "0"]);
  expect(after.notes).toContain("[ctldb_unavailable]");
});

test("ledger tail -f ends when it is stopped while it still looks back for the last entries", async () => {
  let asked = 0;
  // Of a long ledger in which a filter finds nothing: each request looks at a part of it, and one is under way.
  const server = Bun.serve({
    port: 0,
    fetch: () => {
      asked += 1;
      const page = { entries: [], next: 1_000_000 - asked, head: 1_000_000, first: 1 };
      return asked < 3 ? Response.json(page) : new Promise<Response>(() => {});
    },
  });
  const stop = new AbortController();
  const tail = runAgainst(`http://127.0.0.1:${server.port}`, ["ledger", "tail", "-f", "--family", "fam"], {
    stopSignal: () => stop.signal,
  });
  await until(() => asked === 3, { what: "requests that look further back" });
  stop.abort();
  expect(await tail).toMatchObject({ code: 0, out: "" });
  await server.stop(true);
});
