/**
 * The local side of a simulated world: an LDB that is written in pieces, stopped, crashed and killed, and one reader
 * that stays open through all of it.
 */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { REFLECTOR_LIMITS } from "../../core/limits.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { type LdbReader, openReader } from "../../reader/index.ts";
import { LdbWriter } from "../../reflector/ldb-writer.ts";
import { checkAnchor, checkDescription } from "../../reflector/ledger-identity.ts";
import { LegacyGaps } from "../../reflector/legacy-gaps.ts";
import { startReflector } from "../../reflector/start.ts";
import { dumpSqliteDatabase, type RowsDump } from "../support/dump-rows.ts";
import { startProcess } from "../support/process.ts";
import { until } from "../support/until.ts";
import type { FollowLimits, FollowStep } from "./steps.ts";

const DEPS = { logger: silentLogger, clock: systemClock };
const CHILD = join(import.meta.dir, "reflector-child.ts");

export interface LdbState {
  readonly sequence: bigint;
  readonly dump: RowsDump;
}

export class Local implements Disposable {
  readonly folder: string;
  readonly #url: string;
  #reader: LdbReader | null = null;

  constructor(folder: string, ctldbUrl: string) {
    this.folder = folder;
    this.#url = ctldbUrl;
  }

  /** @param head what the LDB must come to when nothing stops it */
  async run(step: FollowStep, head: bigint): Promise<void> {
    switch (step.kind) {
      case "follow":
        return this.#follow(step.limits, step.slices);
      case "reflect":
        return this.#reflect(step.limits, head);
      case "kill-reflector":
        return this.#kill(step, head);
    }
  }

  /** Applies the whole ledger in large blocks. */
  catchUp(): Promise<void> {
    return this.#follow({ pollRows: 1_000, sliceStatements: 500, transactionStatements: 2_000 }, null);
  }

  async #follow(limits: FollowLimits, slices: number | null): Promise<void> {
    await using source = openLedgerSource(this.#url, DEPS);
    const { database } = openLdbFolder(this.folder, { ...DEPS, onPoint: ignoreCrashPoint });
    const gaps = new LegacyGaps(systemClock, 0);
    const writer = new LdbWriter(
      { database, clock: systemClock, onPoint: ignoreCrashPoint, onCommit: () => {} },
      { gaps, limits: { ...REFLECTOR_LIMITS, ...limits }, ldbFolder: this.folder },
    );
    try {
      const description = await source.describe();
      gaps.describe(description);
      checkDescription(description, writer.position);
      writer.followLedger(description);
      for (let left = slices ?? Number.POSITIVE_INFINITY; left > 0; ) {
        const { anchor, entries } = await source.poll(writer.cursor.sequence, limits.pollRows);
        if (anchor !== null) checkAnchor(anchor, writer.cursor);
        if (entries.length === 0) return;
        writer.beginBlock(entries);
        for (let next = 0; next < entries.length && left > 0; left--)
          next = writer.applySlice(entries, next).next;
      }
    } finally {
      // Whatever transaction is open is undone. What a kill leaves behind is the matter of `#kill`.
      writer.close();
      database.close();
    }
  }

  async #reflect(limits: FollowLimits, head: bigint): Promise<void> {
    const source = openLedgerSource(this.#url, DEPS);
    const reflector = await startReflector(
      { ...DEPS, source, metrics: createMetrics() },
      { ...limits, ldbFolder: this.folder, pollIntervalMs: 1 },
    );
    try {
      const what = () => `the Reflector at ${head}: ${JSON.stringify(reflector.status().reason)}`;
      await until(() => reflector.status().sequence === head, {
        what: "the Reflector to catch up",
        intervalMs: 1,
      }).catch((cause) => {
        throw new Error(what(), { cause });
      });
    } finally {
      await reflector.stop();
    }
  }

  async #kill({ limits, point, hits }: Extract<FollowStep, { kind: "kill-reflector" }>, head: bigint) {
    const order = { url: this.#url, ldbFolder: this.folder, limits, point, hits, head: String(head) };
    await using child = startProcess([process.execPath, CHILD, JSON.stringify(order)]);
    const { signal } = await child.exited;
    if (signal !== "SIGKILL") throw new Error(`the Reflector was not killed: ${child.stderr}`);
  }

  /** What the LDB holds now; null before there is one. */
  state(): LdbState | null {
    const path = join(this.folder, "ldb.db");
    if (!existsSync(path)) return null;
    const db = new Database(path, { readonly: true, safeIntegers: true });
    try {
      return db.transaction(() => ({
        sequence: BigInt(db.query<{ seq: bigint }, []>("SELECT seq FROM _ldb_seq").get()?.seq ?? 0n),
        dump: dumpSqliteDatabase(db),
      }))();
    } finally {
      db.close();
    }
  }

  /** The one reader of this world. */
  get reader(): LdbReader {
    this.#reader ??= openReader({ path: this.folder, integers: "bigint" });
    return this.#reader;
  }

  [Symbol.dispose](): void {
    this.#reader?.close();
  }
}
