/** The rows of a table as the Executive lists them: their keys, page by page. Waits while it is away. */
import type { FieldValue } from "../../client/encode.ts";
import { type Client, unwrap } from "../../client/index.ts";
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { SNAPSHOT_WATCH_LIMITS } from "../../core/limits.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { isAway, waitMsAfter } from "../away.ts";

/** The key of a row: values by field name as JSON has them. */
export type ListedKey = Readonly<Record<string, FieldValue>>;

export interface TableRowsDeps {
  /** With the admin token. */
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the jitter of waits: returns 0 ≤ x < 1. */
  readonly random?: () => number;
}

interface Page {
  readonly rows: readonly ListedKey[];
  readonly next: string | null;
}

export interface TableName {
  readonly family: string;
  readonly table: string;
}

/**
 * Pages of keys, in key order. Rows may change meanwhile; each that is there all the time comes once.
 * @throws CtlstoreError `unknown_table`, `bad_credentials`, …, and the signal's reason
 */
export async function* keyPages(
  deps: TableRowsDeps,
  name: TableName,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedKey[]> {
  let after: string | null = null;
  do {
    const page: Page = await readPage(deps, name, after, signal);
    yield page.rows;
    after = page.next;
  } while (after !== null);
}

/** A proxy's answer says nothing about the table either. */
function mayPass(error: unknown): error is CtlstoreError {
  return isAway(error) || (isCtlstoreError(error) && error.code === "internal");
}

async function readPage(
  deps: TableRowsDeps,
  { family, table }: TableName,
  after: string | null,
  signal: AbortSignal,
): Promise<Page> {
  const { client, clock, logger, random } = deps;
  const { backoffMs, requestTimeoutMs, pageRows } = SNAPSHOT_WATCH_LIMITS;
  const backoff = createBackoff({ baseMs: backoffMs.base, maxMs: backoffMs.max }, random);
  const rows = client.families({ family }).tables({ table }).rows;
  const query = { limit: String(pageRows), fields: "key", ...(after === null ? {} : { after }) };
  for (;;) {
    signal.throwIfAborted();
    const either = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
    try {
      const page = unwrap(await rows.get({ query, fetch: { signal: either } }));
      // What the Executive answers for key fields: texts and numbers.
      return page as typeof page & Page;
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      if (backoff.attempts === 0)
        logger.warn(
          { family, table, reason: error.message },
          "a table's rows cannot be listed now: trying again",
        );
      await clock.sleep(waitMsAfter(error, backoff), signal);
    }
  }
}
