/** Reflectors for tests: on temporary folders, with short pauses, looked at through a connection of their own. */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import type { LedgerSource } from "../../core/ledger/entry.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import type { ReflectorOptions } from "../../reflector/options.ts";
import { type ReflectorDeps, type RunningReflector, startReflector } from "../../reflector/start.ts";
import type { ReflectorState, ReflectorStatus } from "../../reflector/state.ts";
import { until } from "../support/until.ts";

export const QUICK: Omit<ReflectorOptions, "ldbFolder"> = {
  pollIntervalMs: 5,
  backoffMs: { base: 5, max: 20 },
  slowBackoffMs: { base: 10, max: 40 },
  legacyGapGraceMs: 200,
};

export interface TestReflector extends RunningReflector, AsyncDisposable {
  /** Waits for a state, with a reason of that code where one is given. */
  reaches(state: ReflectorState, code?: string): Promise<ReflectorStatus>;
  /** Waits until the LDB holds this entry. */
  applies(sequence: bigint): Promise<ReflectorStatus>;
}

export async function reflect(
  source: LedgerSource,
  ldbFolder: string,
  options: Partial<ReflectorOptions> = {},
  more: Partial<ReflectorDeps> = {},
): Promise<TestReflector> {
  const deps = { source, logger: silentLogger, clock: systemClock, metrics: createMetrics(), ...more };
  const running = await startReflector(deps, { ...QUICK, ...options, ldbFolder });
  running.done.catch(() => {}); // tests that expect an end look at it themselves
  const waitFor = (what: string, fits: (status: ReflectorStatus) => boolean) =>
    until(
      () => {
        const status = running.status();
        return fits(status) ? status : null;
      },
      { what, intervalMs: 2 },
    );
  return {
    ...running,
    reaches: (state, code) =>
      waitFor(`state ${state} ${code ?? ""}`, (status) => {
        return status.state === state && (code === undefined || status.reason?.code === code);
      }),
    applies: (sequence) => waitFor(`sequence ${sequence}`, (status) => status.sequence >= sequence),
    [Symbol.asyncDispose]: () => running.stop(),
  };
}

/** All rows of a query on the LDB, through a read-only connection that is closed again. */
export function query<Row = Record<string, unknown>>(ldbFolder: string, sql: string): Row[] {
  const database = new Database(join(ldbFolder, "ldb.db"), { readonly: true });
  try {
    return database.query<Row, []>(sql).all();
  } finally {
    database.close();
  }
}

/** The rows of `fam___tbl` as `key=value`. */
export function rowsOf(ldbFolder: string): string[] {
  return query<{ k: number; v: string }>(ldbFolder, "SELECT k, v FROM fam___tbl ORDER BY k").map(
    ({ k, v }) => `${k}=${v}`,
  );
}
