/**
 * Puts a Reflector together and runs it.
 *
 * It starts and answers with the ctldb away (D20): only the LDB's folder must be there, free and sound.
 */
import type { LedgerSource } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import { VERSION } from "../core/version.ts";
import { ignoreCrashPoint } from "../ldb/crash-points.ts";
import { createLdbFolder, type OpenedLdb, openLdbFolder } from "../ldb/ldb-folder.ts";
import { WriterLock } from "../ldb/writer-lock.ts";
import { LdbWriter } from "./ldb-writer.ts";
import { LedgerFetcher } from "./ledger-fetcher.ts";
import { LegacyGaps } from "./legacy-gaps.ts";
import { publishReflectorMetrics, type ReflectorCounts } from "./metrics.ts";
import { type ReflectorOptions, withDefaults } from "./options.ts";
import { Shovel } from "./shovel.ts";
import type { ReflectorStatus } from "./state.ts";
import { describeReflector } from "./status.ts";
import { type StatusServer, startStatusServer } from "./status-server.ts";
import { WalKeeper } from "./wal-keeper.ts";

export interface ReflectorDeps {
  readonly source: LedgerSource;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Returns 0 ≤ x < 1; spreads polls and retries over a fleet. */
  readonly random?: () => number;
}

export interface RunningReflector {
  status(): ReflectorStatus;
  /** Where status and metrics are served, or null. */
  readonly url: string | null;
  /** Ends the loop, undoes what is not committed, and lets go of the LDB and the source. Calling it twice is fine. */
  stop(): Promise<void>;
  /** Settles when the loop has ended: resolves after `stop`, rejects when it could not go on. */
  readonly done: Promise<void>;
}

/**
 * Starts applying a ledger to the LDB in a folder. Resolves when the LDB is open, whether or not the ctldb answers.
 * The source is closed by `stop`.
 * @throws CtlstoreError `ldb_locked`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable`, `ldb_disk_full`,
 *   `config_invalid`
 */
export async function startReflector(
  deps: ReflectorDeps,
  options: ReflectorOptions,
): Promise<RunningReflector> {
  createLdbFolder(options.ldbFolder);
  const lock = WriterLock.acquire(options.ldbFolder, deps.clock);
  let ldb: OpenedLdb | null = null;
  try {
    ldb = openLdbFolder(options.ldbFolder, { ...deps, onPoint: options.onPoint ?? ignoreCrashPoint });
    const parts = assemble(deps, options, ldb);
    const server = options.bind === undefined ? null : startStatusServer(parts, options.bind);
    const { path, generation } = ldb;
    deps.logger.info({ path, generation, url: server?.url ?? null }, "reflector started");
    return run(deps, parts, { lock, ldb, server });
  } catch (error) {
    ldb?.database.close();
    lock.release();
    throw error;
  }
}

function assemble(deps: ReflectorDeps, given: ReflectorOptions, ldb: OpenedLdb) {
  const options = withDefaults(given);
  const { clock, logger, source } = deps;
  const { database } = ldb;
  const onPoint = options.onPoint ?? ignoreCrashPoint;
  const walKeeper = new WalKeeper({ database, clock, onPoint }, { ...options, insist: options.walInsist });
  const gaps = new LegacyGaps(clock, options.legacyGapGraceMs);
  const writer = new LdbWriter(
    { database, clock, onPoint, onCommit: () => walKeeper.afterCommit() },
    { gaps, limits: options, ldbFolder: options.ldbFolder },
  );
  const fetcher = new LedgerFetcher({ source, clock, onPoint }, options);
  const shovel = new Shovel(
    {
      fetcher,
      writer,
      gaps,
      database,
      clock,
      logger,
      random: deps.random ?? Math.random,
      onProgress: () => refreshMetrics(),
    },
    options,
  );
  const parts = { shovel, writer, fetcher, gaps, walKeeper, ldb, clock };
  const status = () => describeReflector(parts, { version: VERSION, pollStuckMs: options.pollStuckMs });
  const publish = publishReflectorMetrics(deps.metrics);
  const refreshMetrics = () => publish(status(), countsOf(parts));
  return { shovel, writer, status, refreshMetrics, metrics: deps.metrics };
}

function countsOf(parts: {
  writer: LdbWriter;
  fetcher: LedgerFetcher;
  shovel: Shovel;
  gaps: LegacyGaps;
  walKeeper: WalKeeper;
}): ReflectorCounts {
  return {
    statements: parts.writer.statementsApplied,
    polls: parts.fetcher.polls,
    failures: parts.shovel.failures,
    legacyGaps: parts.gaps.accepted,
    walCheckpoints: parts.walKeeper.checkpoints,
    walCheckpointsBlocked: parts.walKeeper.blocked,
  };
}

function run(
  deps: ReflectorDeps,
  parts: { shovel: Shovel; writer: LdbWriter; status: () => ReflectorStatus },
  owned: { lock: WriterLock; ldb: OpenedLdb; server: StatusServer | null },
): RunningReflector {
  const stopping = new AbortController();
  let lastStatus: ReflectorStatus | null = null;
  const done = parts.shovel.run(stopping.signal).finally(async () => {
    lastStatus = parts.status();
    await owned.server?.stop();
    parts.writer.close();
    owned.ldb.database.close();
    owned.lock.release();
    await deps.source[Symbol.asyncDispose]();
    deps.logger.info({ sequence: lastStatus.sequence }, "reflector stopped");
  });
  // Whoever cares awaits `done`; a rejection before that must not end the process by itself.
  done.catch((error) => deps.logger.error({ err: error }, "reflector cannot go on"));
  return {
    status: () => lastStatus ?? parts.status(),
    url: owned.server?.url ?? null,
    done,
    stop: async () => {
      stopping.abort(new Error("the Reflector was asked to stop"));
      await done.catch(() => {});
    },
  };
}
