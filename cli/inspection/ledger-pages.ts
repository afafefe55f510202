/** The ledger as the Executive shows it: the last entries, and those after a sequence as they come. */
import { unwrap } from "../../client/client-error.ts";
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { INSPECTION_LIMITS, TAIL_LIMITS } from "../../core/limits.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { LedgerAnswer, LedgerEntryAnswer } from "../../core/wire/inspection.ts";
import { answerOf } from "../answer-of.ts";
import type { Central } from "./central-table.ts";

export type LedgerEntry = LedgerEntryAnswer;

export interface LedgerFilter {
  readonly family?: string;
  readonly table?: string;
  /** Statements as long as they are. */
  readonly full?: "true";
}

const { max: PAGE } = INSPECTION_LIMITS.entriesPerPage;

export interface LastEntriesOptions {
  readonly filter: LedgerFilter;
  readonly count: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told after each request how far back was looked: with a filter that seldom matches, there are many. */
  readonly onLooked: (through: bigint) => void;
}

/**
 * The newest entries, the oldest of them first, and where the ledger ended then: go on after it. Null when it was ended.
 * @throws CtlstoreError
 */
export async function lastEntries(
  { client, executive }: Central,
  { filter, count, signal, onLooked }: LastEntriesOptions,
): Promise<{ readonly entries: readonly LedgerEntry[]; readonly head: bigint } | null> {
  const found: LedgerEntry[] = [];
  let before: string | null = null;
  let head: bigint | null = null;
  for (;;) {
    const limit = String(Math.max(1, Math.min(PAGE, count - found.length)));
    const result = await client.ledger.get({
      query: { ...filter, limit, ...(before === null ? {} : { before }) },
      fetch: { signal: withLimit(signal, TAIL_LIMITS.answerSeconds) },
    });
    if (signal.aborted) return null;
    const page: LedgerAnswer = await answerOf(executive, Promise.resolve(result));
    // Pages are looked for at and below the end that the first one saw.
    head ??= BigInt(page.head);
    found.push(...page.entries);
    if (found.length >= count || BigInt(page.next) <= BigInt(page.first)) break;
    before = String(page.next);
    onLooked(BigInt(page.next));
  }
  return { entries: found.slice(0, count).reverse(), head };
}

function withLimit(signal: AbortSignal, seconds: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(1000 * seconds)]);
}

export interface EntriesAfterOptions {
  readonly after: bigint;
  readonly filter: LedgerFilter;
  /** Go on when there are no more. */
  readonly follow: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** For jitter: 0 ≤ x < 1. */
  readonly random: () => number;
  /** Told once when the Executive goes away, and once when it is back. */
  readonly onAway: (error: CtlstoreError) => void;
  readonly onBack: () => void;
  /** Told of entries that were removed from the ledger before they could be shown: those up to, not including, this. */
  readonly onGone: (after: bigint, first: bigint) => void;
  /** Told once when the ledger ends before the place to begin at. */
  readonly onAhead: (head: bigint) => void;
}

/**
 * The entries after a sequence, each once and in order, page by page. An Executive that goes away is waited for when it is
 * followed, once it has answered: before, something else is wrong.
 * @throws CtlstoreError
 */
export async function* entriesAfter(
  central: Central,
  clock: Clock,
  options: EntriesAfterOptions,
): AsyncGenerator<readonly LedgerEntry[], void> {
  const { follow, signal, onGone, onAhead } = options;
  const asking = new Asking(central, clock, options);
  let after = options.after;
  let isAheadTold = false;
  while (!signal.aborted) {
    const page = await asking.pageAfter(after);
    if (page === null) return;
    const [head, first, next] = [BigInt(page.head), BigInt(page.first), BigInt(page.next)];
    if (head < after && !isAheadTold) {
      isAheadTold = true;
      onAhead(head);
    }
    if (first > after + 1n) onGone(after, first);
    if (page.entries.length > 0) yield page.entries;
    after = next > after ? next : after;
    if (first > after + 1n) after = first - 1n;
    if (!follow && after >= head) return;
  }
}

/** Requests with patience. */
class Asking {
  readonly #central: Central;
  readonly #clock: Clock;
  readonly #options: EntriesAfterOptions;
  readonly #backoff: ReturnType<typeof createBackoff>;
  #hasAnswered = false;

  constructor(central: Central, clock: Clock, options: EntriesAfterOptions) {
    this.#central = central;
    this.#clock = clock;
    this.#options = options;
    this.#backoff = createBackoff(TAIL_LIMITS.backoff, options.random);
  }

  /** Null when it was stopped. */
  async pageAfter(after: bigint): Promise<LedgerAnswer | null> {
    const { follow, signal, onAway, onBack } = this.#options;
    for (;;) {
      try {
        const page = await this.#ask(after);
        if (this.#backoff.attempts > 0) onBack();
        this.#backoff.reset();
        this.#hasAnswered = true;
        return page;
      } catch (error) {
        if (signal.aborted) return null;
        if (!follow || !this.#hasAnswered || !isAway(error)) throw error;
        if (this.#backoff.attempts === 0) onAway(error);
        await this.#clock.sleep(this.#backoff.nextMs(), signal).catch(() => {});
        if (signal.aborted) return null;
      }
    }
  }

  async #ask(after: bigint): Promise<LedgerAnswer> {
    const { filter, follow, signal } = this.#options;
    const { client, executive } = this.#central;
    // The first answer is not waited for: it shows that the place is right.
    const waitSeconds = follow && this.#hasAnswered ? TAIL_LIMITS.waitSeconds : 0;
    const call = client.ledger.get({
      query: {
        ...filter,
        after: String(after),
        limit: String(PAGE),
        ...(waitSeconds > 0 ? { wait: String(waitSeconds) } : {}),
      },
      fetch: { signal: withLimit(signal, waitSeconds + TAIL_LIMITS.answerSeconds) },
    });
    return this.#hasAnswered ? unwrap(await call) : answerOf(executive, call);
  }
}

/** It comes back by itself. */
function isAway(error: unknown): error is CtlstoreError {
  return isCtlstoreError(error) && ["ctldb_unavailable", "overloaded"].includes(error.code);
}
