/**
 * The life of a Reflector, which outlives its LDB: it follows the ledger with the LDB that is current.
 *
 * It ends in two ways: asked to stop, or with a failure that nothing here can mend.
 */
import { join } from "node:path";
import type { LedgerSource } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import { VERSION } from "../core/version.ts";
import { ignoreCrashPoint, type OnCrashPoint } from "../ldb/crash-points.ts";
import { LDB_FILE_NAME } from "../ldb/layout.ts";
import { type OpenedLdb, openLdbFolder } from "../ldb/ldb-folder.ts";
import { LedgerFetcher } from "./ledger-fetcher.ts";
import { type FollowerCounts, LedgerFollower } from "./ledger-follower.ts";
import type { ReflectorCounts } from "./metrics.ts";
import type { CompleteOptions } from "./options.ts";
import type { Standstill } from "./shovel.ts";
import type { ObservedStatus } from "./state.ts";
import { describeReflector, type KnownLdb } from "./status.ts";

export interface LifeDeps {
  readonly source: LedgerSource;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called whenever the status may have changed. */
  readonly onProgress: () => void;
}

const NOTHING_DONE: FollowerCounts = {
  statements: 0,
  failures: 0,
  legacyGaps: 0,
  walCheckpoints: 0,
  walCheckpointsBlocked: 0,
};

export class ReflectorLife {
  readonly #deps: LifeDeps;
  readonly #options: CompleteOptions;
  readonly #onPoint: OnCrashPoint;
  readonly #fetcher: LedgerFetcher;
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
  }

  /** @throws CtlstoreError what `openLdbFolder` throws */
  open(): OpenedLdb {
    const ldb = openLdbFolder(this.#options.ldbFolder, { ...this.#deps, onPoint: this.#onPoint });
    try {
      this.#follow(ldb, null);
      return ldb;
    } catch (error) {
      ldb.database.close();
      throw error;
    }
  }

  status(): ObservedStatus {
    const { ldbFolder, pollStuckMs } = this.#options;
    return describeReflector(
      {
        follower: this.#follower,
        lastKnown: this.#lastKnown,
        ldbPath: join(ldbFolder, LDB_FILE_NAME),
        bootstrap: null,
        fetcher: this.#fetcher,
        clock: this.#deps.clock,
        legacyGaps: this.#counts().legacyGaps,
      },
      { version: VERSION, pollStuckMs },
    );
  }

  counts(): ReflectorCounts {
    return { ...this.#counts(), polls: this.#fetcher.polls };
  }

  /** Runs until the signal; rejects when it cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#follower?.shovel.run(signal);
  }

  close(): void {
    const follower = this.#follower;
    if (follower === null) return;
    this.#done = this.#counts();
    this.#lastKnown = { position: follower.writer.position, skips: follower.writer.skips };
    this.#follower = null;
    follower.close();
  }

  #follow(ldb: OpenedLdb, standstill: Standstill | null): void {
    const { logger, clock, random, onProgress } = this.#deps;
    const deps = { logger, clock, random, onProgress, fetcher: this.#fetcher, onPoint: this.#onPoint };
    this.#follower = new LedgerFollower({ ...deps, endsRun: () => false }, this.#options, {
      ldb,
      standstill,
    });
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
    };
  }
}
