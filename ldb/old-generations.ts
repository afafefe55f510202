/**
 * Generations that were replaced: kept until no reader holds them, then removed.
 *
 * Each is marked as superseded first, so that whoever reads it goes to its successor by itself. A reader that never
 * comes back, idle or stopped, does not keep the disk full for ever (I13): after a time, and beyond a number, the files
 * go, and who has them open reads on from what is unlinked (I15).
 *
 * Databases are opened here and closed again by SQLite alone, which keeps the locks of its other connections in this
 * process; files are only looked at.
 */
import { existsSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { LDB_LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import * as marks from "./generation-marks.ts";
import {
  type CurrentLdb,
  currentLdb,
  type Generation,
  otherGenerations,
  removeGeneration,
} from "./generations.ts";
import { isHeld } from "./holders.ts";
import { removePlainSideFiles } from "./plain-to-generation.ts";
import { ensureOwnTables, markSuperseded } from "./position.ts";
import { WritableDatabase } from "./writable-database.ts";

export interface OldGenerationsDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface OldGenerationsOptions {
  /** How long a generation that somebody holds is kept after it was replaced. */
  readonly keepMs: number;
  /** Generations kept at most, the newest. */
  readonly most: number;
}

type Verdict = "held" | "unused" | "too old" | "too many";

export class OldGenerations {
  readonly #folder: string;
  readonly #deps: OldGenerationsDeps;
  readonly #options: OldGenerationsOptions;
  /** Marked by this process already. */
  readonly #superseded = new Set<string>();
  #kept = 0;

  constructor(
    folder: string,
    deps: OldGenerationsDeps,
    options: OldGenerationsOptions = LDB_LIMITS.oldGenerations,
  ) {
    this.#folder = folder;
    this.#deps = deps;
    this.#options = options;
  }

  /** Replaced generations that were left in place by the last sweep, since somebody holds them. */
  get kept(): number {
    return this.#kept;
  }

  /**
   * Removes generations that were never published: what a crash between stage and flip left. Call with the writer lock
   * held, and never while one is being staged.
   */
  removeLeftOvers(): void {
    const current = currentLdb(this.#folder);
    for (const generation of otherGenerations(this.#folder)) {
      if (marks.wasPublished(dirname(generation.databasePath))) continue;
      // Published by a version that made no such mark, and then its readers need to know.
      if (!isSameFile(generation, current)) this.#supersede(generation);
      this.#remove(generation, "left over");
    }
  }

  /**
   * Marks the replaced generations, and removes those that nobody holds or that were kept long enough. Cheap when there
   * are none. Call with the writer lock held, after a flip and then about once a minute.
   */
  sweep(): void {
    const current = currentLdb(this.#folder);
    // Without a successor to go to, what is there is all that readers have.
    if (current.kind === "absent" || current.kind === "dangling") return;
    const others = otherGenerations(this.#folder);
    if (current.kind === "generation") this.#removePlainSideFiles(others);
    const nowMs = this.#deps.clock.nowUs() / 1000;
    let kept = 0;
    for (const { generation, sinceMs } of newestFirst(others, nowMs)) {
      const verdict = isSameFile(generation, current)
        ? "unused" // further links to the plain file that is read: a crash before the flip left them
        : this.#judge(generation, { ageMs: nowMs - sinceMs, kept });
      if (verdict === "held" || !this.#remove(generation, verdict)) kept += 1;
    }
    this.#kept = kept;
  }

  #removePlainSideFiles(others: readonly Generation[]): void {
    const paths = others.map(({ databasePath }) => databasePath);
    try {
      removePlainSideFiles(this.#folder, paths, this.#deps);
    } catch (error) {
      // They harm nobody: a full disk must not keep a Reflector from starting. The next sweep tries again.
      this.#deps.logger.warn({ err: error }, "log of a replaced plain LDB cannot be moved away");
    }
  }

  #judge(generation: Generation, { ageMs, kept }: { ageMs: number; kept: number }): Verdict {
    this.#supersede(generation);
    try {
      if (!existsSync(generation.databasePath) || !isHeld(generation.databasePath)) return "unused";
    } catch (error) {
      // It cannot be told, so it counts as held; the limits below end that.
      this.#deps.logger.debug({ err: error, generation: generation.id }, "old generation cannot be opened");
    }
    if (ageMs > this.#options.keepMs) return "too old";
    return kept >= this.#options.most ? "too many" : "held";
  }

  /** A reader that has the old generation open would go on reading it for ever. */
  #supersede(generation: Generation): void {
    if (this.#superseded.has(generation.id) || !existsSync(generation.databasePath)) return;
    try {
      using database = WritableDatabase.open(generation.databasePath);
      ensureOwnTables(database);
      markSuperseded(database);
      this.#superseded.add(generation.id);
    } catch (error) {
      // Half-written, damaged, or no space just now. Readers look at the path besides, and follow that.
      this.#deps.logger.debug(
        { err: error, generation: generation.id },
        "old generation cannot be marked as replaced",
      );
    }
  }

  /** False when it could not be removed: the next sweep tries again. */
  #remove({ id }: Generation, why: Verdict | "left over"): boolean {
    try {
      removeGeneration(this.#folder, id);
    } catch (error) {
      this.#deps.logger.warn({ err: error, generation: id }, "old generation cannot be removed");
      return false;
    }
    this.#superseded.delete(id);
    this.#deps.logger.info({ generation: id, why }, "old generation removed");
    return true;
  }
}

function newestFirst(generations: readonly Generation[], nowMs: number) {
  return generations
    .map((generation) => ({ generation, folder: dirname(generation.databasePath) }))
    .filter(({ folder }) => marks.wasPublished(folder))
    .map(({ generation, folder }) => ({ generation, sinceMs: marks.replacedSinceMs(folder, nowMs) }))
    .sort((a, b) => b.sinceMs - a.sinceMs || (a.generation.id < b.generation.id ? 1 : -1));
}

function isSameFile(generation: Generation, current: CurrentLdb): boolean {
  if (current.kind !== "plain") return false;
  const [a, b] = [generation.databasePath, current.databasePath].map((path): Stats | undefined =>
    statSync(path, { throwIfNoEntry: false }),
  );
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
