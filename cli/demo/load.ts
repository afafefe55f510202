/**
 * Loads the demonstration's rows through the typed client, from where it was left.
 *
 * The writer's cookie is the position: it moves in the same transaction as the rows (I3), so a load that is interrupted
 * anywhere and started again ends with every row, and none is sent twice.
 */
import { type Client, type CtlstoreError, isCtlstoreError, unwrap, Writer } from "../../client/index.ts";
import { MIME_EDITION, MIME_FAMILY, MIME_TABLES, mimeRows } from "./mime-rows.ts";

export const DEMO_WRITER = "mime-loader";

export interface LoadDeps {
  readonly client: Client;
  readonly onProgress: (progress: LoadProgress) => void;
  readonly signal: AbortSignal;
}

export interface LoadOptions {
  readonly executiveUrl: string;
  readonly secret: string;
}

export interface LoadProgress {
  readonly rows: number;
  readonly totalRows: number;
}

export interface LoadResult {
  readonly totalRows: number;
  /** Rows that were there already when it began. */
  readonly rowsBefore: number;
  /** Of the last batch; null when nothing was left to load. */
  readonly sequence: bigint | null;
}

/** As many as one request may carry. */
const BATCH_ROWS = 100;

/** @throws CtlstoreError what the writer and the client throw; the signal's reason when aborted */
export async function loadMimeRegistry(deps: LoadDeps, options: LoadOptions): Promise<LoadResult> {
  await makeTables(deps.client, options.secret);
  const writer = new Writer({
    url: options.executiveUrl,
    writer: DEMO_WRITER,
    secret: options.secret,
    family: MIME_FAMILY,
  });
  const { signal, onProgress } = deps;
  const rows = mimeRows();
  const rowsBefore = Math.min(readPosition(await writer.readCookie({ signal })), rows.length);
  let sequence: bigint | null = null;
  if (rowsBefore < rows.length) onProgress({ rows: rowsBefore, totalRows: rows.length });
  for (let start = rowsBefore; start < rows.length; start += BATCH_ROWS) {
    const batch = rows.slice(start, start + BATCH_ROWS);
    const end = start + batch.length;
    ({ sequence } = await writer.write(batch, { cookie: positionCookie(end), signal }));
    onProgress({ rows: end, totalRows: rows.length });
  }
  return { totalRows: rows.length, rowsBefore, sequence };
}

async function makeTables(client: Client, secret: string): Promise<void> {
  const family = client.families({ family: MIME_FAMILY });
  await unless("family_exists", async () => unwrap(await family.post()));
  for (const [table, definition] of Object.entries(MIME_TABLES)) {
    await unless("table_exists", async () => unwrap(await family.tables({ table }).post(definition)));
  }
  unwrap(await client.writers({ writer: DEMO_WRITER }).post(secret));
}

/** Runs an action that may have been done by an earlier start. */
async function unless(code: CtlstoreError["code"], action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!isCtlstoreError(error) || error.code !== code) throw error;
  }
}

function positionCookie(rows: number): Uint8Array {
  return new TextEncoder().encode(`${MIME_EDITION} row ${rows}`);
}

/** Rows loaded of this edition; those of another one count for nothing. */
function readPosition(cookie: Uint8Array): number {
  const [edition, rows] = new TextDecoder().decode(cookie).split(" row ");
  return edition === MIME_EDITION ? Number(rows) : 0;
}
