/**
 * Puts a Reflector together and runs it.
 *
 * It starts and answers with the ctldb away (D20): only the LDB's folder must be there and free. Lock, status server,
 * metrics and observers live as long as the process wants a Reflector; the LDB may be replaced meanwhile (`life.ts`).
 */
import type { LedgerSource } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import { type StatusEndpoint, startStatusEndpoint } from "../core/process/status-endpoint.ts";
import type { Tracer } from "../core/process/tracing/tracer.ts";
import { createLdbFolder } from "../ldb/ldb-folder.ts";
import { WriterLock } from "../ldb/writer-lock.ts";
import type { SnapshotSource } from "../snapshot/download/contract.ts";
import type { Identity } from "./bootstrap/judge.ts";
import { lockChangelog } from "./changelog/changelog-place.ts";
import { ReflectorLife } from "./life.ts";
import { publishReflectorMetrics } from "./metrics.ts";
import type { ReflectorObserver } from "./observer.ts";
import { type CompleteOptions, type ReflectorOptions, withDefaults } from "./options.ts";
import { openReadiness, type ReadinessWatch } from "./readiness/watch.ts";
import type { ReflectorStatus } from "./state.ts";

export interface ReflectorDeps {
  readonly source: LedgerSource;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Returns 0 ≤ x < 1; spreads polls and retries over a fleet. */
  readonly random?: () => number;
  readonly observers?: readonly ReflectorObserver[];
  /** Ends the traces of writes; absent: nothing is traced. The source must be one that gives traces. */
  readonly tracer?: Tracer;
  /** Where snapshots come from; absent: the store of `bootstrap.url`, in child processes. */
  readonly snapshots?: SnapshotSource;
  /** Looks whether a whole LDB is sound; absent: SQLite's check, in a child process. */
  readonly checkLdb?: (databasePath: string, signal: AbortSignal) => Promise<void>;
}

export interface RunningReflector {
  status(): ReflectorStatus;
  /**
   * Asks the ledger whether it goes on from a snapshot, whatever the LDB is.
   * @throws CtlstoreError `snapshot_mismatch`, `ledger_behind`, `ledger_too_old`, `ctldb_unavailable`
   */
  checkHistory(snapshot: Identity, signal: AbortSignal): Promise<void>;
  /** Where status and metrics are served, or null. */
  readonly url: string | null;
  /** Ends the loop, undoes what is not committed, and lets go of the LDB and the source. Calling it twice is fine. */
  stop(): Promise<void>;
  /** Settles when the loop has ended: resolves after `stop`, rejects when it could not go on. */
  readonly done: Promise<void>;
}

/**
 * Starts applying a ledger to the LDB in a folder. Resolves when the LDB is open, or waits for a bootstrap, whether or not
 * the ctldb answers. The source is closed by `stop`.
 * @throws CtlstoreError `ldb_locked`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable`, `ldb_disk_full`,
 *   `config_invalid`
 */
export async function startReflector(
  deps: ReflectorDeps,
  options: ReflectorOptions,
): Promise<RunningReflector> {
  createLdbFolder(options.ldbFolder);
  const { observers = [], metrics, random = Math.random, ...rest } = deps;
  const publish = publishReflectorMetrics(metrics, deps.clock);
  const complete = withDefaults(options);
  const locks = takeLocks(complete, deps.clock);
  const readiness = await openReadiness(
    { ...rest, random, pulse: () => pulseOf(life, deps.clock) },
    options.readiness ?? {},
    complete,
  ).catch((error) => {
    locks.dispose();
    throw error;
  });
  const onProgress = () => {
    refreshMetrics();
    for (const observer of observers) observer.changed();
  };
  const life = new ReflectorLife({ ...rest, random, onProgress }, complete);
  const status = () => judged(life, readiness);
  const refreshMetrics = () => publish(status(), life.counts());
  try {
    life.begin();
    // Also where somebody else answers for this process, as a Supervisor does.
    metrics.beforeRender(refreshMetrics);
    const server =
      options.bind === undefined
        ? null
        : await startStatusEndpoint(
            {
              status,
              readiness: () => readinessAnswer(status()),
              metrics,
              logger: deps.logger,
            },
            { bind: options.bind, ...(options.tls === undefined ? {} : { tls: options.tls }) },
          );
    const { path, generation } = life.status().ldb;
    deps.logger.info({ path, generation, url: server?.url ?? null }, "reflector started");
    readiness.start(refreshMetrics);
    return run(deps, { locks, life, readiness, server, observers });
  } catch (error) {
    life.close();
    await readiness.stop();
    locks.dispose();
    throw error;
  }
}

/** What no other process may write meanwhile. @throws CtlstoreError as `WriterLock.acquire` and `lockChangelog` do */
function takeLocks({ ldbFolder, changelog }: CompleteOptions, clock: Clock): DisposableStack {
  using taken = new DisposableStack();
  taken.use(WriterLock.acquire(ldbFolder, clock));
  if (changelog !== null) taken.use(lockChangelog(changelog.path, clock));
  return taken.move();
}

function judged(life: ReflectorLife, readiness: ReadinessWatch): ReflectorStatus {
  const observed = life.status();
  return { ...observed, readiness: readiness.look(observed) };
}

/** The answer of `/readyz`. */
function readinessAnswer({ readiness, state, reason }: ReflectorStatus) {
  const { ready, healthy, lagSeconds } = readiness;
  return { ready, healthy, lagSeconds, state, reason };
}

/** Changes whenever the ledger is asked or applied; while an LDB is yet to be had, which has limits of its own, always. */
function pulseOf(life: ReflectorLife, clock: Clock): string {
  const { polls, failures, statements } = life.counts();
  const follows = life.follower !== null && life.status().bootstrap === null;
  return `${polls} ${failures} ${statements} ${follows ? "" : clock.monotonicMs()}`;
}

interface Owned {
  readonly locks: DisposableStack;
  readonly life: ReflectorLife;
  readonly readiness: ReadinessWatch;
  readonly server: StatusEndpoint | null;
  readonly observers: readonly ReflectorObserver[];
}

function run(deps: ReflectorDeps, owned: Owned): RunningReflector {
  const { life, readiness, server, locks, observers } = owned;
  const status = () => judged(life, readiness);
  const stopping = new AbortController();
  let lastStatus: ReflectorStatus | null = null;
  for (const observer of observers) observer.start(status);
  const done = life.run(stopping.signal).finally(async () => {
    lastStatus = status();
    await readiness.stop();
    for (const observer of observers) await observer.stop();
    await server?.stop();
    life.close();
    locks.dispose();
    await deps.source[Symbol.asyncDispose]();
    deps.logger.info({ sequence: lastStatus.sequence }, "reflector stopped");
  });
  // Whoever cares awaits `done`; a rejection before that must not end the process by itself.
  done.catch((error) => deps.logger.error({ err: error }, "reflector cannot go on"));
  return {
    status: () => lastStatus ?? status(),
    checkHistory: (snapshot, signal) => life.checkHistory(snapshot, signal),
    url: server?.url ?? null,
    done,
    stop: async () => {
      // Whoever sends work here hears of it before anything ends.
      const unmarked = readiness.stop();
      stopping.abort(new Error("the Reflector was asked to stop"));
      await unmarked;
      await done.catch(() => {});
    },
  };
}
