/** The Executive tells whether its ctldb is there, whoever writes, as of the moment of asking (R46). */
import { describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../core/errors.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { toSequence } from "../../core/sequence.ts";
import type { CtlDb, CtlDbStatus } from "../../ctldb/contract.ts";
import {
  CTLDB_ANSWER_AGE_SECONDS,
  CTLDB_UP,
  CtlDbWatch,
  LEDGER_HEAD_SEQUENCE,
  WRITES_WAITING,
} from "../../server/ctldb-watch.ts";
import { until } from "../support/until.ts";

const STATUS: Omit<CtlDbStatus, "headSequence"> = {
  kind: "sqlite",
  server: "SQLite",
  epoch: "00",
  schemaVersion: 1n,
};

function world() {
  const state = {
    answer: (): Promise<CtlDbStatus> => Promise.resolve({ ...STATUS, headSequence: toSequence(41) }),
    waitingWrites: 3,
    aheadMs: 0,
  };
  const ctldb: Pick<CtlDb, "status" | "waitingWrites"> = {
    status: () => state.answer(),
    get waitingWrites() {
      return state.waitingWrites;
    },
  };
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + state.aheadMs };
  const metrics = createMetrics();
  const watch = new CtlDbWatch({ ctldb, clock, logger: silentLogger, metrics });
  const read = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec(await metrics.render())?.[1] ?? Number.NaN);
  return { state, watch, read };
}

describe("what the Executive tells of its ctldb", () => {
  test("is that it is there, how far its ledger is, and how many writes wait, when it answers", async () => {
    const { watch, read, state } = world();
    expect(await read(CTLDB_UP)).toBe(1);
    await watch.look();
    expect(await read(LEDGER_HEAD_SEQUENCE)).toBe(41);
    expect(await read(WRITES_WAITING)).toBe(3);
    state.waitingWrites = 0;
    expect(await read(WRITES_WAITING)).toBe(0);
  });

  test("is that it is away, and for how long, when it refuses; and the last head that was seen", async () => {
    const { watch, read, state } = world();
    await watch.look();
    const answer = state.answer;
    state.answer = () => Promise.reject(new CtlstoreError("ctldb_unavailable", "Cannot reach the ctldb"));
    state.aheadMs += 60_000;
    await watch.look();
    expect(await read(CTLDB_UP)).toBe(0);
    expect(await read(CTLDB_ANSWER_AGE_SECONDS)).toBeGreaterThanOrEqual(60);
    expect(await read(LEDGER_HEAD_SEQUENCE)).toBe(41);
    state.answer = answer;
    await watch.look();
    expect(await read(CTLDB_UP)).toBe(1);
    expect(await read(CTLDB_ANSWER_AGE_SECONDS)).toBeLessThan(60);
  });

  test("R20 is that it is away when it can no longer be looked at, whatever was seen before", async () => {
    const { watch, read, state } = world();
    await watch.look();
    state.answer = () => Promise.reject(new TypeError("undefined is not an object"));
    watch.start();
    await until(async () => (await read(CTLDB_UP)) === 0, { what: "the ctldb to count as away" });
    watch.stop();
  });

  test("R20 is that it is away when it does not answer, long before that is given up", async () => {
    const { watch, read, state } = world();
    const silent = Promise.withResolvers<CtlDbStatus>();
    state.answer = () => silent.promise;
    const look = watch.look();
    expect(await read(CTLDB_UP)).toBe(1);
    state.aheadMs += 5_000;
    expect(await read(CTLDB_UP)).toBe(0);
    expect(await read(CTLDB_ANSWER_AGE_SECONDS)).toBeGreaterThanOrEqual(5);
    silent.resolve({ ...STATUS, headSequence: toSequence(42) });
    await look;
    expect(await read(CTLDB_UP)).toBe(1);
  });
});
