/** Where `ctlstore read` finds rows: in a local database, or in the central one over HTTP. Both give the same rows. */
import { isCtlstoreError } from "../../core/errors.ts";
import { ROWS_LIMITS } from "../../core/limits.ts";
import { answerOf } from "../answer-of.ts";
import { type KeyedTable, keyParts } from "../key-parts.ts";
import type { TablePath } from "../parsers.ts";
import { type Central, centralTable, keyParameter } from "./central-table.ts";

export interface Lookup {
  /** Parts of a key, as on the command line. */
  readonly key: readonly string[];
  /** All rows whose key begins with them. */
  readonly asPrefix: boolean;
  /** Rows at most; null for all of them. */
  readonly limit: number | null;
}

export interface FoundRows {
  /** In the order in which they were declared. */
  readonly fields: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

function found(table: KeyedTable, rows: FoundRows["rows"]): FoundRows {
  return { fields: table.fields.map(({ name }) => name), rows };
}

/** @throws CtlstoreError those of the reader */
export async function localRows(
  folder: string,
  { family, table }: TablePath,
  lookup: Lookup,
): Promise<FoundRows> {
  const { key, asPrefix, limit } = lookup;
  if (asPrefix && limit !== null) return firstLocalRows(folder, { family, table }, { key, limit });
  const { openReader } = await import("../../reader/index.ts");
  using reader = openReader({ path: folder, integers: "bigint" });
  const schema = reader.tableSchema(family, table);
  const parts = keyParts(schema, key);
  if (asPrefix) return found(schema, [...reader.getRowsByKeyPrefix(family, table, ...parts)]);
  const row = reader.getRowByKey(family, table, ...parts);
  return found(schema, row === null ? [] : [row]);
}

/** Of a table however long it is: no more is read than is wanted. */
async function firstLocalRows(
  folder: string,
  { family, table }: TablePath,
  { key, limit }: { readonly key: readonly string[]; readonly limit: number },
): Promise<FoundRows> {
  const { openStatedReader } = await import("../../reader/stated/open.ts");
  using reader = openStatedReader({ path: folder });
  return reader.inOneState((reads) => {
    const prefix = reads.prefix(family, table, (shape) => keyParts(shape, key));
    // At most so many of each form in which a key is stored.
    return found(prefix.shape, [...prefix.rows(limit)].slice(0, limit));
  });
}

/** @throws CtlstoreError with the Executive's code, or `ctldb_unavailable` */
export async function centralRows(central: Central, path: TablePath, lookup: Lookup): Promise<FoundRows> {
  const schema = await centralTable(central, path);
  const parameter = keyParameter(schema, lookup.key);
  if (!lookup.asPrefix) return found(schema, await centralRow(central, path, parameter));
  return found(schema, await centralPages(central, path, { prefix: parameter, limit: lookup.limit }));
}

function routesOf({ client }: Central, { family, table }: TablePath) {
  return client.families({ family }).tables({ table });
}

async function centralRow(central: Central, path: TablePath, key: string): Promise<FoundRows["rows"]> {
  try {
    const answer = await answerOf(central.executive, routesOf(central, path).row.get({ query: { key } }));
    return [answer.row];
  } catch (error) {
    if (isCtlstoreError(error) && error.code === "unknown_row") return [];
    throw error;
  }
}

async function centralPages(
  central: Central,
  path: TablePath,
  { prefix, limit }: { readonly prefix: string; readonly limit: number | null },
): Promise<FoundRows["rows"]> {
  const rows: Record<string, unknown>[] = [];
  const wanted = limit ?? Number.POSITIVE_INFINITY;
  let after: string | null = null;
  do {
    const page: { readonly rows: Record<string, unknown>[]; readonly next: string | null } = await answerOf(
      central.executive,
      routesOf(central, path).rows.get({
        query: {
          // Executives of before know no prefix.
          ...(prefix === "[]" ? {} : { prefix }),
          limit: String(Math.min(ROWS_LIMITS.perPage.max, wanted - rows.length)),
          ...(after === null ? {} : { after }),
        },
      }),
    );
    rows.push(...page.rows);
    after = page.next;
  } while (after !== null && rows.length < wanted);
  return rows;
}
