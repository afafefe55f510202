/**
 * Writers that write numbered batches as fast as they are answered, and remember what was acknowledged.
 *
 * Batch n of a writer is three rows: one of its own that says n, one that only this batch writes, and one that all
 * writers write. Each batch moves the writer's cookie and checks it.
 */
import { createClient, type FetchLike, unwrap, Writer } from "../../client/index.ts";
import type { LedgerEntry } from "../../core/ledger/entry.ts";
import { COMMIT_MARKER } from "../../core/ledger/statements.ts";
import { SERVICE_ADMIN_TOKEN } from "../support/services.ts";

export const LOAD_FAMILY = "load";

export interface WriterRecord {
  readonly name: string;
  /** Sequences of batches 1, 2, 3 and so on; null where the answer was lost and only a later one said that it was applied. */
  readonly sequences: readonly (bigint | null)[];
}

export interface LoadRecord {
  readonly writers: readonly WriterRecord[];
  /** How often each HTTP status came; 0 stands for no answer. */
  readonly statuses: ReadonlyMap<number, number>;
}

/** Creates the family, its tables and the writers through one Executive. */
export async function prepareLoad(url: string, names: readonly string[]): Promise<void> {
  const client = createClient(url, { adminToken: SERVICE_ADMIN_TOKEN });
  const family = client.families({ family: LOAD_FAMILY });
  unwrap(await family.post());
  const table = async (name: string, fields: [string, string][], keyFields: string[]) =>
    unwrap(await family.tables({ table: name }).post({ fields, keyFields }));
  await table(
    "numbers",
    [
      ["n", "integer"],
      ["writer", "string"],
    ],
    ["writer", "n"],
  );
  await table(
    "latest",
    [
      ["writer", "string"],
      ["n", "integer"],
    ],
    ["writer"],
  );
  await table(
    "shared",
    [
      ["id", "string"],
      ["writer", "string"],
      ["n", "integer"],
    ],
    ["id"],
  );
  for (const name of names) unwrap(await client.writers({ writer: name }).post(secretOf(name)));
}

export interface NumberedBatch {
  readonly n: number;
  /** Of its last entry. */
  readonly sequence: bigint;
}

/** A numbered row as it stands in the ledger. */
const NUMBERED = /^REPLACE INTO load___numbers \("n","writer"\) VALUES\((\d+),'([^']+)'\)$/;

/** Each writer's batches in the order of the ledger. */
export function batchesInLedger(entries: readonly LedgerEntry[]): Map<string, NumberedBatch[]> {
  const batches = new Map<string, NumberedBatch[]>();
  let open: { readonly writer: string; readonly n: number } | null = null;
  for (const { statement, sequence } of entries) {
    const [, n, writer] = NUMBERED.exec(statement) ?? [];
    if (writer !== undefined) open = { writer, n: Number(n) };
    if (statement !== COMMIT_MARKER || open === null) continue;
    const known = batches.get(open.writer) ?? [];
    known.push({ n: open.n, sequence });
    batches.set(open.writer, known);
    open = null;
  }
  return batches;
}

export interface LoadOptions {
  /** The Executives; the writers take them in turn. */
  readonly urls: readonly string[];
  readonly names: readonly string[];
  readonly isOver: () => boolean;
  readonly fetch?: FetchLike;
  readonly onAcknowledged?: () => void;
}

/**
 * Writes until told to stop.
 * @throws what the first writer that fails throws
 */
export async function runLoad(options: LoadOptions): Promise<LoadRecord> {
  const statuses = new Map<number, number>();
  const count = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const ask = options.fetch ?? fetch;
  const countingFetch: FetchLike = async (input, init) => {
    try {
      const response = await ask(input, init);
      count(response.status);
      return response;
    } catch (error) {
      count(0);
      throw error;
    }
  };
  const writers = options.names.map(async (name, i): Promise<WriterRecord> => {
    const url = options.urls[i % options.urls.length] ?? "";
    const secret = secretOf(name);
    const writer = new Writer({ url, writer: name, secret, family: LOAD_FAMILY, fetch: countingFetch });
    return { name, sequences: await writeNumbers(name, writer, options) };
  });
  return { writers: await Promise.all(writers), statuses };
}

async function writeNumbers(name: string, writer: Writer, options: LoadOptions): Promise<(bigint | null)[]> {
  const sequences: (bigint | null)[] = [];
  for (let n = 1; !options.isOver(); n++) {
    const { sequence, repeated } = await writer.write([
      { table: "numbers", values: { writer: name, n } },
      { table: "latest", values: { writer: name, n } },
      { table: "shared", values: { id: "all", writer: name, n } },
    ]);
    sequences.push(repeated ? null : sequence);
    options.onAcknowledged?.();
  }
  return sequences;
}

function secretOf(name: string): string {
  return `s3cr3t-${name}`;
}
