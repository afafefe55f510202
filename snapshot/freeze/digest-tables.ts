/** Row counts and digests of all tables of an LDB, the same that `ctlstore ldb verify` computes (I8). */

import { type RowsSummary, TableDigest } from "../../core/digest/table-digest.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import type { LdbTable, LdbView } from "../../ldb/ldb-view.ts";

const ROWS_BETWEEN_TURNS = 16_384;

export interface DigestOptions {
  readonly signal: AbortSignal;
  /** Called with the rows of all tables read so far. */
  readonly onProgress: (rows: number) => void;
}

export type TableSummary = RowsSummary & { readonly name: string };

export async function digestTables(view: LdbView, options: DigestOptions): Promise<TableSummary[]> {
  let before = 0;
  const summaries: TableSummary[] = [];
  for (const table of view.tables) {
    const onProgress = (rows: number) => options.onProgress(before + rows);
    const summary = await digestTable(view, table, { ...options, onProgress });
    before += summary.rows;
    summaries.push({ name: table.name, ...summary });
  }
  options.onProgress(before);
  return summaries;
}

/** Once more with exact text where text may not have been UTF-8: that is slower. */
async function digestTable(view: LdbView, table: LdbTable, options: DigestOptions): Promise<RowsSummary> {
  const quick = await digestRows(view, table, false, options);
  const digest = quick.doubtful ? await digestRows(view, table, true, options) : quick;
  return digest.summary();
}

async function digestRows(
  view: LdbView,
  { name, fields, keyFields }: LdbTable,
  exactText: boolean,
  { signal, onProgress }: DigestOptions,
): Promise<TableDigest> {
  const digest = new TableDigest();
  const selection = { table: name, fields: fields.map((field) => field.name), keyFields };
  for (const row of view.rows(selection, { order: "any", exactText })) {
    digest.add(row);
    if (digest.rows % ROWS_BETWEEN_TURNS !== 0) continue;
    onProgress(digest.rows);
    // The parent's end is noticed only when the event loop gets a turn.
    await turnOfEventLoop();
    signal.throwIfAborted();
  }
  return digest;
}
