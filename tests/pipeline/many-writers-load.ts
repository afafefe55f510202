/**
 * Writers that write numbered batches as fast as they are answered, and remember what was acknowledged.
 *
 * Batch n of a writer is three rows: one of its own that says n, one that only this batch writes, and one that all
 * writers write. Each batch moves the writer's cookie and checks it.
 */
import { createClient, unwrap, Writer } from "../../client/index.ts";
import { SERVICE_ADMIN_TOKEN } from "../support/services.ts";

export const LOAD_FAMILY = "load";

export interface WriterRecord {
  readonly name: string;
  /** Sequences of batches 1, 2, 3 and so on. */
  readonly sequences: readonly bigint[];
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

/**
 * Writes until told to stop; each writer through one Executive, in turn.
 * @throws what the first writer that fails throws
 */
export async function runLoad(
  urls: readonly string[],
  names: readonly string[],
  isOver: () => boolean,
): Promise<LoadRecord> {
  const statuses = new Map<number, number>();
  const count = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const countingFetch = async (input: string, init?: RequestInit): Promise<Response> => {
    try {
      const response = await fetch(input, init);
      count(response.status);
      return response;
    } catch (error) {
      count(0);
      throw error;
    }
  };
  const writers = names.map(async (name, i): Promise<WriterRecord> => {
    const url = urls[i % urls.length] ?? "";
    const options = { url, writer: name, secret: secretOf(name), family: LOAD_FAMILY, fetch: countingFetch };
    const writer = new Writer(options);
    const sequences: bigint[] = [];
    for (let n = 1; !isOver(); n++) {
      const { sequence } = await writer.write([
        { table: "numbers", values: { writer: name, n } },
        { table: "latest", values: { writer: name, n } },
        { table: "shared", values: { id: "all", writer: name, n } },
      ]);
      sequences.push(sequence);
    }
    return { name, sequences };
  });
  return { writers: await Promise.all(writers), statuses };
}

function secretOf(name: string): string {
  return `secret of ${name}`;
}
