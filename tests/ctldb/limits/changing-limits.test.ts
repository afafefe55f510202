/**
 * Two Executives' ctldbs, eight writers, and limits that change all the time: no row is written over the limit that held,
 * and what is counted is what stands in the ledger.
 */
import { describe, expect, test } from "bun:test";
import { isCtlstoreError } from "../../../core/errors.ts";
import { parseWriterName, type WriterName } from "../../../core/names.ts";
import type { Clock } from "../../../core/process/clock.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { openCtlDb } from "../../../ctldb/open.ts";
import { FakeClock } from "../../reflector/readiness/fake-clock.ts";
import { sharedMariadb } from "../../support/mariadb.ts";
import { hasMysql9, sharedMysql9 } from "../../support/mysql9.ts";
import { isDeep, runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { COUNTS, count, FAMILY, remove, request, SECRET } from "../fixture.ts";
import { rowsOf } from "./windows.ts";

const WRITERS = Array.from({ length: 8 }, (_, i) => parseWriterName(`writer-${i}`));
const FLEET = "*";
const DEFAULT_ROWS = 30;
const DEFAULT_FLEET_ROWS = 150;
const LEAST_ROWS = 50;
const CHANGES = runsOf({ quick: 15, deep: 400 });
/** All of them take less than the hour for which counts are kept. */
const STEP_MS = Math.min(20_000, (50 * 60_000) / CHANGES);

/** A change of a limit, and between which sequences of the ledger it took effect. */
interface Change {
  readonly name: string;
  readonly to: number;
  readonly after: bigint;
  readonly before: bigint;
}

interface Run {
  readonly changes: readonly Change[];
  readonly refusals: ReadonlyMap<string, number>;
}

/** Every writer writes as fast as it may, by either ctldb, until all changes are made. */
async function run(
  ctldbs: readonly [CtlDb, CtlDb],
  random: () => number,
  pause: () => Promise<void>,
): Promise<Run> {
  const changes: Change[] = [];
  const refusals = new Map<string, number>();
  let written = 0;
  let isOver = false;
  const either = () => ctldbs[random() < 0.5 ? 0 : 1];
  const write = async (writer: WriterName) => {
    const names = Array.from({ length: 1 + Math.floor(random() * 5) }, () => `n${Math.floor(random() * 50)}`);
    const mutations = names.map((name) => (random() < 0.2 ? remove("counts", { name }) : count(name)));
    try {
      await either().write(request(mutations, { writer }));
      written += mutations.length;
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
      refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const writing = WRITERS.map(async (writer) => {
    while (!isOver) await write(writer);
  });
  try {
    const { windowStart: first } = await ctldbs[0].limits.usage();
    const isSameWindow = async () => (await ctldbs[0].limits.usage()).windowStart === first;
    // A few rows say little; nor does a run without refusals.
    const isEnough = () => written > LEAST_ROWS && refusals.has("rate_limited");
    // In the deep suite until the minute has passed, too.
    for (let i = 0; i < CHANGES || !isEnough() || (isDeep && (await isSameWindow())); i++) {
      changes.push(await changeLimit(either(), random));
      await pause();
    }
  } finally {
    isOver = true;
    await Promise.all(writing);
  }
  return { changes, refusals };
}

async function changeLimit(ctldb: CtlDb, random: () => number): Promise<Change> {
  const isFleet = random() < 0.25;
  const name = isFleet ? FLEET : (WRITERS[Math.floor(random() * WRITERS.length)] ?? "");
  const isReset = random() < 0.2;
  const to = Math.floor(random() * (isFleet ? 300 : 60));
  const rate = { rows: BigInt(to), bytes: null };
  const { headSequence: after } = await ctldb.status();
  const { limits } = ctldb;
  if (isFleet) await (isReset ? limits.resetFleet() : limits.setFleet(rate));
  else await (isReset ? limits.resetWriter(name) : limits.setWriter(name, rate));
  const { headSequence: before } = await ctldb.status();
  const fallback = isFleet ? DEFAULT_FLEET_ROWS : DEFAULT_ROWS;
  return { name, to: isReset ? fallback : to, after, before };
}

/** The highest limit that may have held for an entry. */
function limitAt(sequence: bigint, name: string, changes: readonly Change[]): number {
  let possible = [name === FLEET ? DEFAULT_FLEET_ROWS : DEFAULT_ROWS];
  for (const change of changes) {
    if (change.name !== name || sequence <= change.after) continue;
    possible = sequence > change.before ? [change.to] : [...possible, change.to];
  }
  return Math.max(...possible);
}

/**
 * Judges one writer, or the fleet, by the ledger. Its entries in their order belong to the windows in theirs, to each as
 * many as are counted in it.
 */
function judge(
  name: string,
  sequences: readonly bigint[],
  counted: readonly number[],
  changes: readonly Change[],
) {
  expect({ name, rows: sequences.length }).toEqual({ name, rows: counted.reduce((sum, n) => sum + n, 0) });
  let at = 0;
  for (const [window, amount] of counted.entries()) {
    for (let used = 1; used <= amount; used++) {
      const sequence = sequences[at++] ?? 0n;
      const limit = limitAt(sequence, name, changes);
      if (used > limit)
        throw new Error(
          `row ${used} of ${name} in window ${window}, at ${sequence}, is over its limit of ${limit}`,
        );
    }
  }
}

async function judgeAll(url: string, changes: readonly Change[]): Promise<number> {
  const entries = await rowsOf(
    url,
    "SELECT writer, seq FROM ctlstore_dml_ledger WHERE writer IS NOT NULL AND table_name IS NOT NULL ORDER BY seq",
  );
  const usage = await rowsOf(url, "SELECT writer_name, amount FROM writer_usage ORDER BY bucket");
  for (const name of [...WRITERS, FLEET]) {
    const sequences = entries
      .filter(([writer]) => name === FLEET || writer === name)
      .map(([, seq = ""]) => BigInt(seq));
    const counted = usage.filter(([writer]) => writer === name).map(([, amount]) => Number(amount));
    judge(name, sequences, counted, changes);
  }
  return entries.length;
}

async function limitsHold(url: string, clock: Clock, pause: () => Promise<void>): Promise<void> {
  const seed = suiteSeed();
  const random = seededRandom(seed);
  const defaults = {
    writer: { rows: BigInt(DEFAULT_ROWS), bytes: null },
    fleet: { rows: BigInt(DEFAULT_FLEET_ROWS), bytes: null },
  };
  const open = () => openCtlDb(url, { clock, logger: silentLogger }, { defaults });
  await using first = await open();
  await using second = await open();
  await first.createFamily(FAMILY);
  await first.createTables([COUNTS]);
  for (const writer of WRITERS) await first.writers.register(writer, SECRET);
  const { changes, refusals } = await run([first, second], random, pause);
  try {
    expect(await judgeAll(url, changes)).toBeGreaterThan(LEAST_ROWS);
    const expected = ["rate_limited", "not_granted", "too_many_mutations"];
    expect([...refusals.keys()].filter((code) => !expected.includes(code))).toEqual([]);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}

const TIMEOUT_MS = timeoutMsOf({ quick: 60_000, deep: 600_000 });
const TITLE =
  "D11 no row is over the limit that held when limits change under two Executives and eight writers";

describe("limits of rates that change", () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  test(
    `${TITLE}, on SQLite, while minutes pass`,
    async () => {
      using folder = tempFolder("changing-limits");
      const clock = new FakeClock();
      const random = seededRandom(suiteSeed() + 1);
      const pause = async () => {
        await turn();
        await clock.advance(Math.floor(random() * STEP_MS));
      };
      await limitsHold(`sqlite:${folder.file("ctldb.db")}`, clock, pause);
    },
    TIMEOUT_MS,
  );

  test(
    `${TITLE}, on MariaDB`,
    async () => {
      await limitsHold(await (await sharedMariadb()).createDatabase(), systemClock, turn);
    },
    TIMEOUT_MS,
  );

  test.skipIf(!isDeep || !hasMysql9)(
    `${TITLE}, on MySQL 9.7`,
    async () => {
      await limitsHold(await (await sharedMysql9()).createDatabase(), systemClock, turn);
    },
    TIMEOUT_MS,
  );
});
