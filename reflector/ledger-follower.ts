/**
 * Applies the ledger to one open LDB: the parts that live exactly as long as that LDB is the current one.
 *
 * A bootstrap replaces the LDB; the follower of the old one is closed then, and a new one goes on (`life.ts`).
 */
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { OnCrashPoint } from "../ldb/crash-points.ts";
import type { OpenedLdb } from "../ldb/ldb-folder.ts";
import { readPosition } from "../ldb/position.ts";
import type { WalReader } from "../ldb/wal-readers.ts";
import type { ApplyTraces } from "./apply-traces.ts";
import { Changelog } from "./changelog/changelog.ts";
import { type ChangelogCounts, type ChangelogSettings, NO_CHANGELOG_COUNTS } from "./changelog/contract.ts";
import { identityOf } from "./changelog/ldb-identity.ts";
import { LdbWriter } from "./ldb-writer.ts";
import type { LedgerFetcher } from "./ledger-fetcher.ts";
import { LegacyGaps } from "./legacy-gaps.ts";
import type { CompleteOptions } from "./options.ts";
import { Shovel } from "./shovel.ts";
import type { ChangelogStatus } from "./state.ts";
import { WalKeeper } from "./wal-keeper.ts";

export interface FollowerDeps {
  readonly fetcher: LedgerFetcher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly onPoint: OnCrashPoint;
  /** Absent: nothing is traced. */
  readonly traces?: ApplyTraces | undefined;
  /** Called whenever the state or the position may have changed. */
  readonly onProgress: () => void;
  /** True for a failure that ends the run, since whoever started it knows a better way than to try again. */
  readonly endsRun: (error: unknown) => boolean;
  /** Where the keys that change are told; null for nowhere. */
  readonly changelog: ChangelogSettings | null;
}

/** What a follower has done; see `ReflectorCounts`. */
export interface FollowerCounts extends ChangelogCounts {
  readonly statements: number;
  readonly failures: number;
  readonly legacyGaps: number;
  readonly walCheckpoints: number;
  readonly walCheckpointsBlocked: number;
}

export class LedgerFollower {
  readonly ldb: OpenedLdb;
  readonly writer: LdbWriter;
  readonly shovel: Shovel;
  readonly #gaps: LegacyGaps;
  readonly #walKeeper: WalKeeper;
  readonly #changelog: Changelog | null;

  constructor(deps: FollowerDeps, options: CompleteOptions, ldb: OpenedLdb) {
    const { clock, onPoint, endsRun, changelog, traces, ...rest } = deps;
    const { database } = ldb;
    this.ldb = ldb;
    this.#walKeeper = new WalKeeper(
      { database, clock, logger: deps.logger, onPoint },
      { ...options, insist: options.walInsist },
    );
    this.#gaps = new LegacyGaps(clock, options.legacyGapGraceMs);
    this.#changelog =
      changelog === null
        ? null
        : Changelog.open({ database, logger: deps.logger, onPoint }, changelog, {
            generation: identityOf(ldb),
            sequence: readPosition(database).sequence,
          });
    this.writer = new LdbWriter(
      {
        database,
        clock,
        onPoint,
        onCommit: () => this.#walKeeper.afterCommit(),
        changelog: this.#changelog,
        traces,
      },
      { gaps: this.#gaps, limits: options, ldbFolder: options.ldbFolder },
    );
    this.shovel = new Shovel(
      { ...rest, clock, writer: this.writer, gaps: this.#gaps, database, endsRun },
      options,
    );
  }

  get counts(): FollowerCounts {
    return {
      statements: this.writer.statementsApplied,
      failures: this.shovel.failures,
      legacyGaps: this.#gaps.accepted,
      walCheckpoints: this.#walKeeper.checkpoints,
      walCheckpointsBlocked: this.#walKeeper.blocked,
      ...(this.#changelog?.counts ?? NO_CHANGELOG_COUNTS),
    };
  }

  /** What the changelog holds; null where none is written. */
  get changelog(): ChangelogStatus | null {
    return this.#changelog?.status ?? null;
  }

  /** The reader that has kept the log from being cut for longest. */
  get walBlockedBy(): WalReader | null {
    return this.#walKeeper.blockedBy;
  }

  /** Undoes what is not committed and lets go of the LDB. */
  close(): void {
    try {
      this.writer.close();
    } finally {
      this.#changelog?.close();
      // A damaged database may refuse even a rollback.
      this.ldb.database.close();
    }
  }
}
