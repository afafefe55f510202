/**
 * The loop of a Reflector that has a store of snapshots: it follows the ledger, and gets itself a new LDB when the one
 * that it has is empty, too old for the ledger, or damaged, or when it was told to.
 *
 * While there is no snapshot to be had it goes on as well as it can and tries again: an empty LDB is filled from a
 * ledger that reaches back to its beginning; readers keep what they have (R26). Nothing that fails here ends the process.
 */
import { isCtlstoreError } from "../../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../../core/limits.ts";
import { type Backoff, createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { OnCrashPoint } from "../../ldb/crash-points.ts";
import type { SnapshotSource } from "../../snapshot/download/contract.ts";
import { reasonOf } from "../failures.ts";
import type { LedgerFetcher } from "../ledger-fetcher.ts";
import type { BootstrapOptions } from "../options.ts";
import type { BootstrapStatus, ReflectorReason } from "../state.ts";
import { BackgroundCheck } from "./background-check.ts";
import { Bootstrapper, clearWorkFolder } from "./bootstrapper.ts";
import { makeReady } from "./bring-forward.ts";
import type { LdbSlot } from "./ldb-slot.ts";
import { type BootstrapNeed, isDamage, needOf } from "./need.ts";
import { replaceLdb } from "./place.ts";
import { BootstrapProgress } from "./progress.ts";

export interface BootstrapLoopDeps {
  readonly slot: LdbSlot;
  readonly source: SnapshotSource;
  /** SQLite's check of an LDB in use, elsewhere. @throws CtlstoreError `ldb_damaged` */
  readonly checkLdb: (databasePath: string, signal: AbortSignal) => Promise<void>;
  readonly fetcher: LedgerFetcher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly onPoint: OnCrashPoint;
  /** Called whenever the status may have changed. */
  readonly onProgress: () => void;
}

export class BootstrapLoop {
  readonly #deps: BootstrapLoopDeps;
  readonly #jitterMs: number;
  readonly #pause: Backoff;
  readonly #progress: BootstrapProgress;
  readonly #bootstrapper: Bootstrapper;
  readonly #check: BackgroundCheck;
  #need: BootstrapNeed | null = null;
  /** Ends the following that is under way. */
  #interrupt: (() => void) | null = null;
  #cannotOpen: ReflectorReason | null = null;
  #bootstraps = 0;
  #failures = 0;

  constructor(deps: BootstrapLoopDeps, options: BootstrapOptions) {
    this.#deps = deps;
    this.#jitterMs = options.jitterMs ?? BOOTSTRAP_LIMITS.jitterMs.default;
    const { base, max } = options.backoffMs ?? BOOTSTRAP_LIMITS.backoffMs;
    this.#pause = createBackoff({ baseMs: base, maxMs: max }, deps.random);
    this.#progress = new BootstrapProgress(deps);
    const { silenceMs = BOOTSTRAP_LIMITS.silenceMs } = options;
    this.#bootstrapper = new Bootstrapper({ ...deps, silenceMs, progress: this.#progress }, deps.slot.folder);
    this.#check = new BackgroundCheck({ ...deps, onDamage: () => this.#interrupt?.() });
  }

  /** LDBs placed since the process began. */
  get bootstraps(): number {
    return this.#bootstraps;
  }
  /** Attempts that placed none. */
  get failures(): number {
    return this.#failures;
  }

  /** Why an LDB that was just placed is not open yet; null when it is. */
  get cannotOpen(): ReflectorReason | null {
    return this.#cannotOpen;
  }
  /** Null while the LDB needs no bootstrap. */
  get status(): BootstrapStatus | null {
    return this.#need === null || this.#isMet(this.#need) ? null : this.#progress.status(this.#need.cause);
  }

  /** Call once, when the LDB is open or was found to be damaged. */
  begin({ force, damage }: { readonly force: boolean; readonly damage: unknown }): void {
    const { follower, folder } = this.#deps.slot;
    if (follower === null) this.#want("damaged", damage);
    else if (follower.writer.position.sequence === 0n) this.#want("empty");
    else if (force) this.#want("told-to");
    else clearWorkFolder(folder); // killed after the last flip
  }

  /** True for failures of following the ledger that this loop sees to. */
  seesTo(error: unknown): boolean {
    if (!isCtlstoreError(error)) return false;
    if (error.code === "ledger_too_old") return true;
    // An empty LDB serves nobody: while the ctldb is away a snapshot may be had.
    const isEmpty = this.#deps.slot.follower?.writer.position.sequence === 0n;
    return isEmpty && error.code === "ctldb_unavailable";
  }

  /** Runs until the signal; rejects when it cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    const { follower } = this.#deps.slot;
    const isWorthALook = follower !== null && follower.writer.position.sequence > 0n;
    if (isWorthALook) this.#check.start(follower.ldb.path, signal);
    let isFirstAttempt = true;
    while (!signal.aborted) {
      if (this.#need === null) isFirstAttempt = true;
      else {
        if (isFirstAttempt) await this.#spread(this.#need, signal);
        isFirstAttempt = await this.#attempt(this.#need, signal);
      }
      if (!signal.aborted) await this.#follow(signal);
    }
  }

  /** A fleet that lost its LDBs together must not come at once (R28); a person who waits is alone. */
  async #spread({ cause }: BootstrapNeed, signal: AbortSignal): Promise<void> {
    if (cause === "told-to") return;
    await this.#sleep(this.#deps.random() * this.#jitterMs, signal);
  }

  /** True when a snapshot has become the LDB. */
  async #attempt(need: BootstrapNeed, signal: AbortSignal): Promise<boolean> {
    const { logger, clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    try {
      signal.throwIfAborted();
      const fetched = await this.#bootstrapper.fetch(need, signal);
      this.#progress.place();
      await makeReady(this.#deps.slot, fetched, need, signal);
      replaceLdb(this.#deps, fetched, need);
      const { sequence } = fetched.snapshot;
      const seconds = (clock.monotonicMs() - startedMs) / 1000;
      logger.info({ cause: need.cause, sequence, seconds }, "bootstrapped");
    } catch (error) {
      if (signal.aborted) return false;
      this.#failures += 1;
      this.#progress.failed(reasonOf(error), need.cause);
      return false;
    }
    this.#bootstraps += 1;
    this.#pause.reset();
    this.#need = null;
    this.#check.end();
    clearWorkFolder(this.#deps.slot.folder);
    await this.#open(signal);
    return true;
  }

  /** What was placed is opened, however long that takes: a disk may be full just now. */
  async #open(signal: AbortSignal): Promise<void> {
    const { slot, logger } = this.#deps;
    while (!signal.aborted) {
      try {
        slot.open();
        this.#cannotOpen = null;
        return;
      } catch (error) {
        if (isDamage(error)) return this.#want("damaged", error);
        const passes = isCtlstoreError(error) && ["ldb_disk_full", "ldb_unavailable"].includes(error.code);
        if (!passes) throw error;
        this.#cannotOpen = reasonOf(error);
        logger.warn({ reason: this.#cannotOpen }, "LDB cannot be opened just now");
        await this.#sleep(this.#pause.nextMs(), signal);
      }
    }
  }

  /** Follows the ledger as long as that is the thing to do; while something is needed, for a pause at most. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { slot, clock, onProgress } = this.#deps;
    if (this.#noteDamage()) return; // found during an attempt that failed: nothing more is written to it
    const round = new AbortController();
    const end = () => round.abort(new Error("something else is to be done"));
    signal.addEventListener("abort", end, { once: true });
    this.#interrupt = end;
    const pause =
      this.#need === null
        ? null
        : clock.sleep(this.#pause.nextMs(), round.signal).then(
            () => this.#endPause(end),
            () => {},
          );
    onProgress();
    try {
      const waits = this.#need !== null && this.#progress.waitsForStore(this.#need.cause);
      if (!waits) await slot.follower?.shovel.run(round.signal);
      await pause;
    } catch (error) {
      const waitsFor = this.#need === null ? null : pause;
      this.#explain(error);
      await waitsFor;
    } finally {
      signal.removeEventListener("abort", end);
      this.#interrupt = null;
      end();
    }
    this.#noteDamage();
  }

  /** True when the check in the background has found damage. */
  #noteDamage(): boolean {
    const { damage } = this.#check;
    if (damage === null) return false;
    this.#check.end();
    this.#want("damaged", damage);
    return true;
  }

  /** The pause is over: the next attempt is due, unless the ledger has filled the LDB meanwhile. */
  #endPause(endFollowing: () => void): void {
    if (this.#need === null || !this.#isMet(this.#need)) {
      endFollowing();
      return;
    }
    this.#need = null;
    clearWorkFolder(this.#deps.slot.folder);
  }

  /** An empty LDB needs no snapshot once the ledger fills it, or has been found to hold nothing either. */
  #isMet({ cause }: BootstrapNeed): boolean {
    if (cause !== "empty") return false;
    const { follower } = this.#deps.slot;
    return (
      follower !== null && (follower.writer.position.sequence > 0n || follower.shovel.state === "current")
    );
  }

  /** Makes a need of what ended the following. @throws the error when it is none */
  #explain(error: unknown): void {
    if (isDamage(error)) this.#want("damaged", error);
    else if (!this.seesTo(error)) throw error;
    else if (this.#need === null) {
      const isEmpty = this.#deps.slot.follower?.writer.position.sequence === 0n;
      this.#want(isEmpty ? "empty" : "too-old", error);
    }
  }

  #want(cause: BootstrapNeed["cause"], error?: unknown): void {
    const { slot, logger } = this.#deps;
    if (cause === "damaged") slot.close();
    this.#need = needOf(cause, slot);
    this.#progress.begin();
    const reason = error === undefined ? undefined : reasonOf(error);
    if (cause === "damaged") logger.error({ reason }, "LDB is damaged; a snapshot will take its place");
    else logger.info({ cause, reason }, "LDB will be bootstrapped from a snapshot");
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.#deps.clock.sleep(ms, signal).catch(() => {
      // Asked to stop: the loop looks at the signal itself.
    });
  }
}
