/** A page of the ledger. */
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import type { LedgerStore } from "../store.ts";
import type { EntriesPage, EntriesRequest, InspectedEntry } from "./contract.ts";
import { entriesOf, isOf, readBounds, wholeStatement } from "./entry-rows.ts";
import { type Search, type SearchDeps, searchDown, searchUp } from "./entry-search.ts";

export interface EntryPagesDeps extends SearchDeps {
  readonly store: SearchDeps["store"] & Pick<LedgerStore, "query">;
}

/** Ends with the entry that fills it, and where the search's budget ends: then it may be empty, and more may follow. */
export async function readEntries(request: EntriesRequest, deps: EntryPagesDeps): Promise<EntriesPage> {
  const { from, limit, full = false } = request;
  const bounds = await readBounds(deps.store);
  const search: Search = {
    bounds,
    condition: request.family === undefined ? null : entriesOf(request.family, request.table),
    chars: INSPECTION_LIMITS.shownChars,
    found: Math.min(limit, INSPECTION_LIMITS.stepFound),
  };
  const isUp = "after" in from;
  const steps = isUp ? searchUp(from.after, search, deps) : searchDown(from.before, search, deps);
  const entries: InspectedEntry[] = [];
  let next = isUp ? from.after : (from.before ?? bounds.head);
  let chars = 0;
  for await (const step of steps) {
    for (const found of step.entries) {
      if (request.family !== undefined && !isOf(found, request.family, request.table)) continue;
      const entry = full ? await inFull(found, deps) : found;
      entries.push(entry);
      chars += entry.statement.length;
      if (entries.length === limit || chars >= INSPECTION_LIMITS.pageChars) {
        return { entries, next: entry.sequence, ...bounds };
      }
    }
    next = step.through;
  }
  return { entries, next, ...bounds };
}

async function inFull(entry: InspectedEntry, { store }: EntryPagesDeps): Promise<InspectedEntry> {
  return { ...entry, statement: await wholeStatement(store, entry), isCut: false };
}
