/**
 * Goes through the entries of the ledger that meet a condition, up or down, in steps and under a budget.
 *
 * A step is one SELECT over a range of the primary key, as wide as the one before it was fast, so that it takes a bounded time
 * whatever the condition and however long the statements; between two steps others have their turn. Where sequences are
 * missing, the next step begins at the next entry that there is.
 */
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import type { LedgerStore } from "../store.ts";
import type { InspectedEntry, LedgerBounds } from "./contract.ts";
import { entryColumns, toInspectedEntry } from "./entry-rows.ts";

export interface SearchDeps {
  readonly store: Pick<LedgerStore, "search" | "leaderTimestamp">;
  readonly clock: Clock;
}

export interface Search {
  readonly bounds: LedgerBounds;
  /** SQL that an entry must meet; null for every entry. */
  readonly condition: string | null;
  /** Characters of each statement at most. */
  readonly chars: number;
  /** Entries found that one step hands over at most. */
  readonly found: number;
}

export interface SearchStep {
  /** In the direction of the search. */
  readonly entries: readonly InspectedEntry[];
  /** All up to here was looked at: the next search begins after it, or before it. */
  readonly through: Sequence;
}

/** One SELECT's range: from `low` to `high`, both within. */
interface Range {
  readonly low: bigint;
  readonly high: bigint;
}

/** The entries after a sequence, the oldest first. */
export async function* searchUp(
  after: Sequence,
  search: Search,
  deps: SearchDeps,
): AsyncGenerator<SearchStep> {
  const { first, head } = search.bounds;
  const budget = new Budget(deps.clock);
  let low = max(after + 1n, first);
  while (low <= head && budget.isLeft()) {
    const high = min(low + budget.step - 1n, head);
    const entries = await selectStep({ low, high }, "ASC", search, { ...deps, budget });
    const last = entries.length === search.found ? entries.at(-1)?.sequence : undefined;
    const through = last ?? high;
    yield { entries, through: toSequence(through) };
    low = through + 1n;
    if (last === undefined && low <= head)
      low = (await nextEntry(`MIN(seq)`, `seq >= ${low}`, deps)) ?? head + 1n;
  }
  if (low > head) yield { entries: [], through: toSequence(max(after, head)) };
}

/** The entries before a sequence, the newest first; null is the ledger's end. */
export async function* searchDown(
  before: Sequence | null,
  search: Search,
  deps: SearchDeps,
): AsyncGenerator<SearchStep> {
  const { first, head } = search.bounds;
  const budget = new Budget(deps.clock);
  const end = before ?? toSequence(head + 1n);
  let high = min(end - 1n, head);
  while (high >= first && high > 0n && budget.isLeft()) {
    const low = max(high - budget.step + 1n, first);
    const entries = await selectStep({ low, high }, "DESC", search, { ...deps, budget });
    const last = entries.length === search.found ? entries.at(-1)?.sequence : undefined;
    const through = last ?? low;
    yield { entries, through: toSequence(through) };
    high = through - 1n;
    if (last === undefined && high >= first)
      high = (await nextEntry(`MAX(seq)`, `seq <= ${high}`, deps)) ?? 0n;
  }
  if (high < first || high === 0n) yield { entries: [], through: toSequence(min(end, first)) };
}

async function selectStep(
  { low, high }: Range,
  order: "ASC" | "DESC",
  { condition, chars, found }: Search,
  { store, budget }: SearchDeps & { readonly budget: Budget },
): Promise<InspectedEntry[]> {
  const where = condition === null ? "" : ` AND (${condition})`;
  const { rows, tookMs } = await store.search(
    `SELECT ${entryColumns(chars, store)} FROM ctlstore_dml_ledger
     WHERE seq >= ${low} AND seq <= ${high}${where} ORDER BY seq ${order} LIMIT ${found}`,
  );
  budget.spend(Number(high - low) + 1, tookMs);
  return rows.map((row) => toInspectedEntry(row, chars));
}

async function nextEntry(which: string, where: string, { store }: SearchDeps): Promise<bigint | null> {
  const { rows } = await store.search(`SELECT ${which} FROM ctlstore_dml_ledger WHERE ${where}`);
  const cell = rows[0]?.[0];
  return cell === null || cell === undefined ? null : BigInt(String(cell));
}

/** Always enough for one step, so that whoever goes on from where a search ended gets somewhere. */
class Budget {
  readonly #clock: Clock;
  readonly #endMs: number;
  #entries: number = INSPECTION_LIMITS.searchEntries;
  #step: number = INSPECTION_LIMITS.stepEntries.first;
  #isFirst = true;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endMs = clock.monotonicMs() + INSPECTION_LIMITS.searchMs;
  }

  isLeft(): boolean {
    return this.#isFirst || (this.#entries > 0 && this.#clock.monotonicMs() < this.#endMs);
  }

  /** Entries of the next step. */
  get step(): bigint {
    return BigInt(this.#step);
  }

  /** A step over so many entries took so long. */
  spend(entries: number, tookMs: number): void {
    const { stepEntries, stepMs } = INSPECTION_LIMITS;
    this.#isFirst = false;
    this.#entries -= entries;
    // Twice as many at most, since the next ones may be longer.
    const fitting = Math.floor(this.#step * Math.min(2, stepMs / Math.max(tookMs, 1)));
    this.#step = Math.min(Math.max(fitting, stepEntries.min), stepEntries.max);
  }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
