/**
 * What happened to one key: found in the ledger, from its end to its beginning.
 *
 * The row before a change is what the change before it left, so it is known as soon as that one is found. Of a table that was
 * dropped and made again, what was before counts where the table had the same key.
 */
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import type { TableSchema } from "../../core/schema.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import type { SqlValue } from "../../core/values.ts";
import { checkWholeKey } from "../keys.ts";
import type { LedgerStore } from "../store.ts";
import { batchEnds } from "./batch-ends.ts";
import type { HistoryPage, HistoryRequest, InspectedEntry, KeyChange, RowImage } from "./contract.ts";
import { readBounds, wholeStatement } from "./entry-rows.ts";
import { type SearchDeps, searchDown } from "./entry-search.ts";
import { type KeyEvent, KeyEvents } from "./key-events.ts";
import { TableKeys } from "./table-keys.ts";

export interface HistoryDeps extends SearchDeps {
  readonly store: SearchDeps["store"] & Pick<LedgerStore, "query">;
}

/** @throws CtlstoreError `invalid_key`, `invalid_value`, `ctldb_unavailable` */
export async function readHistory(
  { key: given, before, limit }: HistoryRequest,
  schema: TableSchema,
  deps: HistoryDeps,
): Promise<HistoryPage> {
  const key = checkWholeKey(given, schema);
  const bounds = await readBounds(deps.store);
  const events = new KeyEvents(schema, key, await TableKeys.read(schema, deps.store));
  const collected = new Changes(limit);
  let through = before ?? toSequence(bounds.head + 1n);
  const search = {
    bounds,
    condition: events.condition,
    chars: INSPECTION_LIMITS.searchedChars,
    found: INSPECTION_LIMITS.stepFound,
  };
  for await (const step of searchDown(before, search, deps)) {
    for (const entry of step.entries) {
      const event = events.of(entry, await wholeStatement(deps.store, entry));
      if (event === null) continue;
      if (collected.add(entry, event) === "full") {
        const next = collected.lastSequence ?? entry.sequence;
        return pageOf(key, collected, { next, searchedThrough: next }, deps);
      }
    }
    through = step.through;
  }
  const isComplete = through <= bounds.first;
  if (isComplete) collected.end(bounds.first <= 1n);
  const next = isComplete ? null : through;
  return pageOf(key, collected, { next, searchedThrough: through }, deps);
}

async function pageOf(
  key: readonly SqlValue[],
  { found, unreadable }: Changes,
  place: Pick<HistoryPage, "next" | "searchedThrough">,
  { store }: HistoryDeps,
): Promise<HistoryPage> {
  const ends = await batchEnds(
    found.map(({ entry }) => entry),
    store,
  );
  const changes = found.map(
    ({ entry, kind, old, after }): KeyChange => ({
      sequence: entry.sequence,
      transaction: ends.get(entry.sequence) ?? null,
      timestampUs: entry.timestampUs,
      writer: entry.writer,
      kind,
      old,
      new: after,
    }),
  );
  return { key, changes, ...place, unreadable };
}

interface FoundChange {
  readonly entry: InspectedEntry;
  readonly kind: KeyChange["kind"];
  readonly after: RowImage | null;
  old: RowImage | null | undefined;
}

/** Changes, the newest first; each gets its `old` from the one that is found after it. */
class Changes {
  readonly found: FoundChange[] = [];
  readonly unreadable: Sequence[] = [];
  readonly #limit: number;
  #chars = 0;
  /** True when something that nobody can read came between the last change and the one before it. */
  #isObscured = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get lastSequence(): Sequence | undefined {
    return this.found.at(-1)?.entry.sequence;
  }

  /** "full": the page ends without this event, which only told what was there before the last change. */
  add(entry: InspectedEntry, event: KeyEvent): "full" | "more" {
    if (event.kind === "obscure") {
      this.#isObscured = true;
      if (this.unreadable.length < this.#limit) this.unreadable.push(entry.sequence);
      return "more";
    }
    this.#precededBy(event.after);
    if (this.found.length === this.#limit || this.#chars >= INSPECTION_LIMITS.pageChars) return "full";
    this.found.push({ entry, kind: event.kind, after: event.after, old: undefined });
    this.#chars += event.chars;
    return "more";
  }

  /** The search came to the ledger's beginning. @param isWhole nothing was ever before it */
  end(isWhole: boolean): void {
    if (isWhole) this.#precededBy(null);
  }

  #precededBy(row: RowImage | null): void {
    const last = this.found.at(-1);
    if (last !== undefined && !this.#isObscured) last.old = row;
    this.#isObscured = false;
  }
}
