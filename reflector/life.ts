/**
 * The life of a Reflector, which outlives its LDB: it follows the ledger with the LDB that is current.
 *
 * It ends in two ways: asked to stop, or with a failure that nothing here can mend.
 */
import { join } from "node:path";
import type { LedgerSource } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Tracer } from "../core/process/tracing/tracer.ts";
import { VERSION } from "../core/version.ts";
import { ignoreCrashPoint, type OnCrashPoint } from "../ldb/crash-points.ts";
import type { Generation } from "../ldb/generations.ts";
import { LDB_FILE_NAME } from "../ldb/layout.ts";
import { type OpenedLdb, openLdbFolder } from "../ldb/ldb-folder.ts";
import { OldGenerations } from "../ldb/old-generations.ts";
import { WritableDatabase } from "../ldb/writable-database.ts";
import type { SnapshotSource } from "../snapshot/download/contract.ts";
import { ApplyTraces } from "./apply-traces.ts";
import { BootstrapLoop } from "./bootstrap/bootstrap-loop.ts";
import { type Identity, LedgerJudge } from "./bootstrap/judge.ts";
import { lazyCheckLdb, lazyTaskSource } from "./bootstrap/lazy-source.ts";
import type { LdbSlot } from "./bootstrap/ldb-slot.ts";
import { isDamage } from "./bootstrap/need.ts";
import { removeStaleChangelog } from "./changelog/changelog-place.ts";
import { NO_CHANGELOG_COUNTS } from "./changelog/contract.ts";
import { LedgerFetcher } from "./ledger-fetcher.ts";
import { type FollowerCounts, type FollowerDeps, LedgerFollower } from "./ledger-follower.ts";
import type { ReflectorCounts } from "./metrics.ts";
import { type CompleteOptions, idleStuckMsOf } from "./options.ts";
import type { ObservedStatus } from "./state.ts";
import { describeReflector, type KnownLdb } from "./status.ts";

export interface LifeDeps {
  readonly source: LedgerSource;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** Absent: the store of `bootstrap.url`, in child processes. */
  readonly snapshots?: SnapshotSource;
  /** Absent: SQLite's check in a child process. */
  readonly checkLdb?: (databasePath: string, signal: AbortSignal) => Promise<void>;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
  /** Called whenever the status may have changed. */
  readonly onProgress: () => void;
}

const NOTHING_DONE: FollowerCounts = {
  statements: 0,
  failures: 0,
  legacyGaps: 0,
  walCheckpoints: 0,
  walCheckpointsBlocked: 0,
  ...NO_CHANGELOG_COUNTS,
};

/** How often replaced generations are looked at: whether anybody still holds one. */
const SWEEP_INTERVAL_MS = 60_000;

export class ReflectorLife implements LdbSlot {
  readonly #deps: LifeDeps;
  readonly #options: CompleteOptions;
  readonly #onPoint: OnCrashPoint;
  readonly #fetcher: LedgerFetcher;
  /** Null without a store of snapshots. */
  readonly #bootstrap: BootstrapLoop | null;
  #follower: LedgerFollower | null = null;
  /** What followers that are closed have done, and where the last one stood. */
  #done = NOTHING_DONE;
  #lastKnown: KnownLdb | null = null;

  constructor(deps: LifeDeps, options: CompleteOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#onPoint = options.onPoint ?? ignoreCrashPoint;
    this.#fetcher = new LedgerFetcher(
      { source: deps.source, clock: deps.clock, onPoint: this.#onPoint },
      options,
    );
    this.#bootstrap = this.#bootstrapLoop();
  }

  get folder(): string {
    return this.#options.ldbFolder;
  }
  get follower(): LedgerFollower | null {
    return this.#follower;
  }
  get lastKnown(): KnownLdb | null {
    return this.#lastKnown;
  }

  /**
   * Opens the LDB, or finds that it needs a bootstrap.
   * @throws CtlstoreError what `openLdbFolder` throws; `ldb_damaged` only without a store of snapshots
   */
  begin(): void {
    removeStaleChangelog(this.folder, this.#options.changelog?.path ?? null, this.#deps);
    let damage: unknown;
    try {
      this.open();
    } catch (error) {
      if (this.#bootstrap === null || !isDamage(error)) throw error;
      damage = error;
    }
    this.#bootstrap?.begin({ force: this.#options.bootstrap?.force === true, damage });
  }

  open(): void {
    const ldb = openLdbFolder(this.folder, { ...this.#deps, onPoint: this.#onPoint });
    try {
      this.#follower = this.#followerOf(ldb);
    } catch (error) {
      ldb.database.close();
      throw error;
    }
  }

  status(): ObservedStatus {
    const { ldbFolder, pollStuckMs } = this.#options;
    const idleStuckMs = idleStuckMsOf(this.#options);
    return describeReflector(
      {
        follower: this.#follower,
        lastKnown: this.#lastKnown,
        ldbPath: join(ldbFolder, LDB_FILE_NAME),
        bootstrap: this.#bootstrap?.status ?? null,
        cannotOpen: this.#bootstrap?.cannotOpen ?? null,
        fetcher: this.#fetcher,
        clock: this.#deps.clock,
        legacyGaps: this.#counts().legacyGaps,
      },
      { version: VERSION, pollStuckMs, idleStuckMs },
    );
  }

  /** @throws CtlstoreError as `LedgerJudge.check` does */
  async checkHistory(snapshot: Identity, signal: AbortSignal): Promise<void> {
    const judge = await LedgerJudge.ask(this.#fetcher, signal);
    await judge.check(snapshot);
  }

  counts(): ReflectorCounts {
    return {
      ...this.#counts(),
      polls: this.#fetcher.polls,
      bootstraps: this.#bootstrap?.bootstraps ?? 0,
      bootstrapFailures: this.#bootstrap?.failures ?? 0,
    };
  }

  /** Runs until the signal; rejects when it cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    const sweeping = new AbortController();
    const swept = this.#sweep(sweeping.signal);
    try {
      await (this.#bootstrap ?? this.#follower?.shovel)?.run(signal);
    } finally {
      sweeping.abort(new Error("the Reflector stops"));
      await swept;
    }
  }

  /** Never throws: a broken disk or a damaged file may refuse even this, and what comes next must come all the same. */
  close(): void {
    const follower = this.#follower;
    if (follower === null) return;
    this.#done = this.#counts();
    this.#lastKnown = { position: follower.writer.position, skips: follower.writer.skips };
    this.#follower = null;
    try {
      follower.close();
    } catch (error) {
      this.#deps.logger.warn({ err: error }, "LDB could not be closed well");
    }
  }

  followStaged({ id, databasePath }: Generation, onProgress: () => void): LedgerFollower {
    const database = WritableDatabase.open(databasePath);
    try {
      const ldb = { database, path: databasePath, generation: id };
      // Nobody reads it yet: what it goes through on its way is no change to anybody.
      return this.#followerOf(ldb, { onProgress, endsRun: () => true, changelog: null });
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #followerOf(
    ldb: OpenedLdb,
    hooks: Pick<FollowerDeps, "onProgress" | "endsRun" | "changelog"> = {
      onProgress: this.#deps.onProgress,
      endsRun: (error) => this.#bootstrap?.seesTo(error) === true,
      changelog: this.#options.changelog,
    },
  ): LedgerFollower {
    const { logger, clock, random, tracer } = this.#deps;
    const deps = {
      traces: tracer === undefined ? undefined : new ApplyTraces(tracer, clock),
      logger,
      clock,
      random,
      ...hooks,
      fetcher: this.#fetcher,
      onPoint: this.#onPoint,
    };
    return new LedgerFollower(deps, this.#options, ldb);
  }

  #bootstrapLoop(): BootstrapLoop | null {
    const { bootstrap } = this.#options;
    if (bootstrap === undefined) return null;
    const { snapshots = lazyTaskSource(bootstrap.url), checkLdb = lazyCheckLdb, ...rest } = this.#deps;
    const deps = { ...rest, slot: this, source: snapshots, checkLdb, fetcher: this.#fetcher };
    return new BootstrapLoop({ ...deps, onPoint: this.#onPoint }, bootstrap);
  }

  /** Old generations go when their last reader has: nobody tells us when that is. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#deps;
    const generations = new OldGenerations(this.folder, this.#deps);
    while (!signal.aborted) {
      await clock.sleep(SWEEP_INTERVAL_MS, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        generations.sweep();
      } catch (error) {
        logger.warn({ err: error }, "old generations could not be looked at");
      }
    }
  }

  #counts(): FollowerCounts {
    const now = this.#follower?.counts ?? NOTHING_DONE;
    const before = this.#done;
    return {
      statements: before.statements + now.statements,
      failures: before.failures + now.failures,
      legacyGaps: before.legacyGaps + now.legacyGaps,
      walCheckpoints: before.walCheckpoints + now.walCheckpoints,
      walCheckpointsBlocked: before.walCheckpointsBlocked + now.walCheckpointsBlocked,
      changelogLines: before.changelogLines + now.changelogLines,
      changelogBytes: before.changelogBytes + now.changelogBytes,
      changelogResets: before.changelogResets + now.changelogResets,
      changelogRotations: before.changelogRotations + now.changelogRotations,
    };
  }
}
