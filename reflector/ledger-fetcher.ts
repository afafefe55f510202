/**
 * Asks the ledger, with a deadline that holds even when the source never answers (R20), and sizes the blocks.
 *
 * A source that breaks its contract with some other error is treated as one that is away.
 */
import { CtlstoreError, isCtlstoreError, messageOf } from "../core/errors.ts";
import type { LedgerBlock, LedgerDescription, LedgerSource } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Sequence } from "../core/sequence.ts";
import type { OnCrashPoint } from "../ldb/crash-points.ts";

export interface LedgerFetcherOptions {
  readonly pollTimeoutMs: number;
  readonly pollRows: number;
  readonly pollBytes: number;
}

export interface LedgerFetcherDeps {
  readonly source: LedgerSource;
  readonly clock: Clock;
  readonly onPoint: OnCrashPoint;
}

/** Rows of the first poll, before it is known how large they are. */
const FIRST_POLL_ROWS = 1_000;
const FEWEST_POLL_ROWS = 8;
/** Growth from poll to poll: one huge row among small ones must not surprise. */
const GROWTH = 4;

export class LedgerFetcher {
  readonly #deps: LedgerFetcherDeps;
  readonly #options: LedgerFetcherOptions;
  #rows: number;
  #pendingSinceMs: number | null = null;
  #answeredAtUs: number | null = null;
  #answeredMs: number | null = null;
  #polls = 0;

  constructor(deps: LedgerFetcherDeps, options: LedgerFetcherOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#rows = Math.min(FIRST_POLL_ROWS, options.pollRows);
  }

  /** How long the oldest unanswered question has been out, in milliseconds; 0 when none is. */
  get pendingMs(): number {
    return this.#pendingSinceMs === null ? 0 : this.#deps.clock.monotonicMs() - this.#pendingSinceMs;
  }
  /** When the ledger last answered a poll, in microseconds since 1970. */
  get answeredAtUs(): number | null {
    return this.#answeredAtUs;
  }
  /** How long ago that was, by a clock that nobody sets. */
  get answeredAgeMs(): number | null {
    return this.#answeredMs === null ? null : this.#deps.clock.monotonicMs() - this.#answeredMs;
  }
  get polls(): number {
    return this.#polls;
  }

  /** @throws CtlstoreError `ctldb_unavailable`, or the signal's reason */
  describe(signal: AbortSignal): Promise<LedgerDescription> {
    return this.#ask((inner) => this.#deps.source.describe(inner), signal);
  }

  /** The entry at a sequence, and the one after it. @throws CtlstoreError as `poll` does */
  peek(at: Sequence, signal: AbortSignal): Promise<LedgerBlock> {
    return this.#askBlock(at, 1, signal);
  }

  /** @throws CtlstoreError `ctldb_unavailable`, or the signal's reason */
  async poll(after: Sequence, signal: AbortSignal): Promise<LedgerBlock> {
    this.#deps.onPoint("before-fetch");
    const block = await this.#askBlock(after, this.#rows, signal);
    this.#adaptRows(block);
    return block;
  }

  async #askBlock(after: Sequence, limit: number, signal: AbortSignal): Promise<LedgerBlock> {
    this.#polls += 1;
    const block = await this.#ask((inner) => this.#deps.source.poll(after, limit, inner), signal);
    this.#answeredAtUs = this.#deps.clock.nowUs();
    this.#answeredMs = this.#deps.clock.monotonicMs();
    return block;
  }

  #adaptRows(block: LedgerBlock): void {
    if (block.entries.length === 0) return;
    let bytes = 0;
    for (const entry of block.entries) bytes += entry.statement.length;
    const fitting = Math.floor(this.#options.pollBytes / Math.max(1, bytes / block.entries.length));
    const rows = Math.min(fitting, this.#rows * GROWTH, this.#options.pollRows);
    this.#rows = Math.max(rows, Math.min(FEWEST_POLL_ROWS, this.#options.pollRows));
  }

  async #ask<T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const attempt = new AbortController();
    const onAbort = () => attempt.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#pendingSinceMs ??= this.#deps.clock.monotonicMs();
    try {
      return await Promise.race([call(attempt.signal), this.#deadline(attempt.signal)]);
    } catch (error) {
      signal.throwIfAborted();
      throw isCtlstoreError(error) ? error : away(error);
    } finally {
      this.#pendingSinceMs = null;
      signal.removeEventListener("abort", onAbort);
      attempt.abort(new Error("answered or given up"));
    }
  }

  /** Never resolves; its sleep ends with the attempt. */
  async #deadline(signal: AbortSignal): Promise<never> {
    const { pollTimeoutMs } = this.#options;
    await this.#deps.clock.sleep(pollTimeoutMs, signal);
    throw new CtlstoreError(
      "ctldb_unavailable",
      `Cannot read the ledger: the ctldb has not answered for ${pollTimeoutMs / 1000} seconds`,
    );
  }
}

function away(cause: unknown): CtlstoreError {
  const text = messageOf(cause);
  return new CtlstoreError("ctldb_unavailable", `Cannot read the ledger: ${text}`, { cause });
}
