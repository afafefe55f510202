/**
 * The Reflector's loop: asks the ledger, has the LDB writer apply what comes, waits, and again.
 *
 * It ends in exactly three ways: asked to stop, fatal, or it backs off and tries again for ever. The next block is
 * fetched while the current one is applied. Before each block is applied the ledger's entry at our sequence is
 * compared with the LDB's (I14).
 */
import { CtlstoreError } from "../core/errors.ts";
import type { LedgerBlock, LedgerDescription } from "../core/ledger/entry.ts";
import { type Backoff, createBackoff } from "../core/process/backoff.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import { turnOfEventLoop } from "../core/process/turn.ts";
import type { Sequence } from "../core/sequence.ts";
import type { WritableDatabase } from "../ldb/writable-database.ts";
import { recoverHash } from "./chain-recovery.ts";
import { FailureLog, policyFor, reasonOf } from "./failures.ts";
import type { LdbWriter } from "./ldb-writer.ts";
import type { LedgerFetcher } from "./ledger-fetcher.ts";
import { checkAnchor, checkDescription, missingEntry } from "./ledger-identity.ts";
import type { LegacyGaps } from "./legacy-gaps.ts";
import type { ReflectorReason, ReflectorState } from "./state.ts";

export interface ShovelOptions {
  readonly pollIntervalMs: number;
  /** Spread of the interval as a part of it. */
  readonly pollJitter: number;
  readonly backoffMs: { readonly base: number; readonly max: number };
  /** Pauses after an entry that cannot be applied, or a ledger that does not fit. */
  readonly slowBackoffMs: { readonly base: number; readonly max: number };
}

export interface ShovelDeps {
  readonly fetcher: LedgerFetcher;
  readonly writer: LdbWriter;
  readonly gaps: LegacyGaps;
  readonly database: WritableDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Called whenever the state or the position may have changed. */
  readonly onProgress: () => void;
  /** True for a failure that ends the run, since whoever started it knows a better way than to try again. */
  readonly endsRun: (error: unknown) => boolean;
}

/** A poll under way for entries after a sequence. */
interface Fetch {
  readonly after: Sequence;
  readonly askedAtMs: number;
  readonly block: Promise<LedgerBlock>;
}

export class Shovel {
  readonly #deps: ShovelDeps;
  readonly #options: ShovelOptions;
  readonly #backoff: Backoff;
  readonly #slowBackoff: Backoff;
  readonly #failures: FailureLog;
  #state: ReflectorState = "starting";
  #reason: ReflectorReason | null = null;
  #description: LedgerDescription | null = null;
  #head: Sequence | null = null;
  #pollFailures = 0;
  #wholeAtMs: number | null = null;
  /** When the loop last got anywhere; null while it does not run. */
  #movedMs: number | null = null;

  constructor(deps: ShovelDeps, options: ShovelOptions) {
    this.#deps = deps;
    this.#options = options;
    const { backoffMs, slowBackoffMs } = options;
    this.#backoff = createBackoff({ baseMs: backoffMs.base, maxMs: backoffMs.max }, deps.random);
    this.#slowBackoff = createBackoff({ baseMs: slowBackoffMs.base, maxMs: slowBackoffMs.max }, deps.random);
    this.#failures = new FailureLog(deps.logger);
  }

  get state(): ReflectorState {
    return this.#state;
  }
  get reason(): ReflectorReason | null {
    return this.#reason;
  }
  /** The highest sequence seen in the ledger. */
  get head(): Sequence | null {
    return this.#head;
  }
  /** Time since all that the ledger had was in the LDB; null when that has not been seen yet. */
  get wholeAgeMs(): number | null {
    return this.#wholeAtMs === null ? null : this.#deps.clock.monotonicMs() - this.#wholeAtMs;
  }
  /**
   * Time since an entry was applied or none was there to be applied; null while the loop does not run. An answer alone
   * counts for nothing: entries may be waiting that can never be applied.
   */
  get idleMs(): number | null {
    return this.#movedMs === null ? null : this.#deps.clock.monotonicMs() - this.#movedMs;
  }
  /** Rounds that ended in a failure since the process began. */
  get failures(): number {
    return this.#pollFailures;
  }

  /** Runs until the signal, and may be run again; rejects only when it cannot go on, or with what `endsRun`. */
  async run(signal: AbortSignal): Promise<void> {
    this.#movedMs = this.#deps.clock.monotonicMs();
    try {
      await this.#runRounds(signal);
    } finally {
      this.#movedMs = null;
    }
  }

  async #runRounds(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const round = new AbortController();
      const endRound = () => round.abort(signal.reason);
      signal.addEventListener("abort", endRound, { once: true });
      try {
        await this.#follow(round.signal);
      } catch (error) {
        this.#deps.writer.rollback();
        if (signal.aborted) return;
        await this.#pauseAfter(error, signal);
      } finally {
        signal.removeEventListener("abort", endRound);
        round.abort(new Error("the round is over"));
      }
    }
  }

  /** Follows the ledger until something fails or the signal aborts: it always rejects in the end. */
  async #follow(signal: AbortSignal): Promise<never> {
    await this.#meetLedger(signal);
    let fetch = this.#fetch(signal);
    for (;;) {
      const block = await fetch.block;
      await this.#identify(fetch.after, block, signal);
      this.#observe(block);
      fetch = await this.#digest(block, fetch.askedAtMs, signal);
    }
  }

  /** Applies a block and returns the poll after it, begun at once when more is waiting, else after a pause. */
  async #digest(block: LedgerBlock, askedAtMs: number, signal: AbortSignal): Promise<Fetch> {
    const last = block.entries.at(-1);
    const prefetched = block.more && last !== undefined ? this.#fetch(signal, last.sequence) : null;
    const settled = await this.#apply(block, signal);
    if (prefetched !== null && settled) return prefetched;
    // One question at a time: what was asked ahead is of no use now.
    await prefetched?.block.catch(() => {});
    const drained = settled && !block.more && !this.#deps.writer.cursor.insideTransaction;
    if (drained) this.#wholeAtMs = askedAtMs;
    if (drained) this.#moved();
    this.#enter(drained ? "current" : "catching-up");
    this.#deps.onProgress();
    await this.#deps.clock.sleep(this.#pollPauseMs(), signal);
    return this.#fetch(signal);
  }

  /** Learns what the ledger is and whether this LDB may follow it. */
  async #meetLedger(signal: AbortSignal): Promise<void> {
    const { fetcher, writer, gaps } = this.#deps;
    const description = await fetcher.describe(signal);
    this.#description = description;
    this.#raiseHead(description.headSequence);
    gaps.describe(description);
    checkDescription(description, writer.position);
    writer.followLedger(description);
    const { sequence, hash } = writer.position;
    if (sequence > 0n && hash === null) {
      writer.adoptHash(await recoverHash({ fetcher, signal }, description, sequence));
      this.#deps.logger.info({ sequence }, "LDB adopted: the chain goes on from its sequence");
    }
  }

  #fetch(signal: AbortSignal, after: Sequence = this.#deps.writer.cursor.sequence): Fetch {
    const askedAtMs = this.#deps.clock.monotonicMs();
    const block = this.#deps.fetcher.poll(after, signal);
    // It may fail while nobody waits for it yet; whoever does still gets the rejection.
    block.catch(() => {});
    return { after, askedAtMs, block };
  }

  /** Before a block is applied: is this still the ledger that we follow? */
  async #identify(after: Sequence, block: LedgerBlock, signal: AbortSignal): Promise<void> {
    const { writer, database } = this.#deps;
    if (database.hasMoved()) throw ldbGone(database.path);
    // The original's ctldb was upgraded meanwhile: it has an epoch now, and gaps are no longer waited for.
    const upgraded = this.#description?.epoch === null && block.entries.at(-1)?.hash != null;
    if (upgraded && !writer.cursor.insideTransaction) await this.#meetLedger(signal);
    if (after === 0n) return;
    if (block.anchor === null) {
      await this.#explainMissingAnchor(after, signal);
      return;
    }
    checkAnchor(block.anchor, writer.cursor);
    if (block.anchor.hash !== null) writer.attest();
  }

  /** The ledger does not have the entry at our sequence: it lags, was pruned, or is another one. */
  async #explainMissingAnchor(sequence: Sequence, signal: AbortSignal): Promise<void> {
    const { fetcher, writer } = this.#deps;
    const description = await fetcher.describe(signal);
    checkDescription(description, { sequence, epoch: writer.position.epoch });
    // Pruned up to our own entry: the next one's hash will tell.
    if (description.firstSequence === 0n || description.firstSequence > sequence) return;
    // It may have arrived between the two questions.
    const again = await fetcher.poll(sequence, signal);
    if (again.anchor === null) throw missingEntry(sequence);
    checkAnchor(again.anchor, writer.cursor);
  }

  #observe(block: LedgerBlock): void {
    const last = block.entries.at(-1);
    if (last !== undefined) {
      this.#raiseHead(last.sequence);
      this.#deps.gaps.observe(last.sequence);
    }
    // Out of `stuck` and `diverged` leads only progress: an answer alone would make the state flicker.
    if (block.more && this.#state === "current") this.#enter("catching-up");
  }

  /** Applies a block slice by slice; false when a gap in it may still be filled. */
  async #apply(block: LedgerBlock, signal: AbortSignal): Promise<boolean> {
    const { writer, gaps, onProgress, logger } = this.#deps;
    const gapsBefore = gaps.accepted;
    writer.beginBlock(block.entries);
    let settled = true;
    for (let next = 0; settled && next < block.entries.length; ) {
      const before = writer.position.sequence;
      const slice = writer.applySlice(block.entries, next);
      if (writer.position.sequence > before && this.#state !== "current") this.#enter("catching-up");
      settled = !slice.waiting;
      if (slice.next > next) this.#moved();
      next = slice.next;
      onProgress();
      await turnOfEventLoop();
      signal.throwIfAborted();
    }
    if (gaps.accepted > gapsBefore) {
      logger.warn(
        { gaps: gaps.accepted - gapsBefore, total: gaps.accepted },
        "old gaps of the original passed",
      );
    }
    return settled;
  }

  #enter(state: "catching-up" | "current"): void {
    this.#state = state;
    this.#reason = null;
    this.#failures.succeeded();
    this.#backoff.reset();
    if (state === "current") this.#slowBackoff.reset();
  }

  async #pauseAfter(error: unknown, signal: AbortSignal): Promise<void> {
    const policy = policyFor(error);
    if (policy.state === null) throw error;
    this.#pollFailures += 1;
    this.#state = policy.state;
    this.#reason = reasonOf(error);
    if (this.#deps.endsRun(error)) throw error;
    this.#failures.failed(this.#reason, policy.state);
    this.#deps.onProgress();
    const pauses = {
      poll: () => this.#pollPauseMs(),
      backoff: this.#backoff.nextMs,
      slow: this.#slowBackoff.nextMs,
    };
    await this.#deps.clock.sleep(pauses[policy.retry](), signal).catch(() => {
      // Asked to stop: the loop looks at the signal itself.
    });
  }

  #moved(): void {
    this.#movedMs = this.#deps.clock.monotonicMs();
  }

  #pollPauseMs(): number {
    const { pollIntervalMs, pollJitter } = this.#options;
    return pollIntervalMs * (1 + pollJitter * (2 * this.#deps.random() - 1));
  }

  #raiseHead(sequence: Sequence): void {
    if (this.#head === null || sequence > this.#head) this.#head = sequence;
  }
}

function ldbGone(path: string): CtlstoreError {
  return new CtlstoreError("ldb_not_found", `Cannot write the LDB: ${path} was deleted or replaced`, {
    hint: "Start the Reflector again: it makes a new LDB, or adopts the one that was put there.",
  });
}
