/** A fresh ctldb with a family, a table and a writer, and short ways to say what tests of a ctldb say most. */
import { expect } from "bun:test";
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { parseFamilyName, parseTableName, parseWriterName } from "../../core/names.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { parseTableSchema, type TableSchema } from "../../core/schema.ts";
import type { CtlDb, Mutation, WriteRequest, WriteResult } from "../../ctldb/contract.ts";
import { type OpenCtlDbOptions, openCtlDb } from "../../ctldb/open.ts";
import { dumpCtlDb, type RowsDump } from "../support/dump-rows.ts";
import { assertNoSecretInError } from "../support/leaks.ts";
import { checkLedger, readWholeLedger, replayLedger, type WholeLedger } from "../support/replay-ledger.ts";

export const FAMILY = parseFamilyName("fam");
export const WRITER = parseWriterName("writer-1");
export const SECRET = "s3cr3t-1";

/** Every type, with a key of two fields declared in another order than the key's. */
export const ALL_TYPES = table("all_types", {
  fields: [
    ["d", "decimal"],
    ["k2", "integer"],
    ["k1", "string"],
    ["t", "text"],
    ["b", "binary"],
    ["bs", "bytestring"],
    ["s", "string"],
    ["i", "integer"],
  ],
  keyFields: ["k1", "k2"],
});

/** One string key and one integer. */
export const COUNTS = table("counts", {
  fields: [
    ["name", "string"],
    ["count", "integer"],
  ],
  keyFields: ["name"],
});

export function table(
  name: string,
  definition: { fields: ReadonlyArray<readonly [string, string]>; keyFields: readonly string[] },
  family: string = FAMILY,
): TableSchema {
  return parseTableSchema(family, name, definition);
}

export const DEPS: { readonly logger: typeof silentLogger; readonly clock: Clock } = {
  logger: silentLogger,
  clock: systemClock,
};

export function open(url: string, options: OpenCtlDbOptions = {}): Promise<CtlDb> {
  return openCtlDb(url, DEPS, options);
}

/** Opens an empty ctldb and makes the family, `ALL_TYPES`, `COUNTS` and the writer. */
export async function openFilled(url: string, options: OpenCtlDbOptions = {}): Promise<CtlDb> {
  const ctldb = await open(url, options);
  await ctldb.createFamily(FAMILY);
  await ctldb.createTables([ALL_TYPES, COUNTS]);
  await ctldb.writers.register(WRITER, SECRET);
  return ctldb;
}

export function upsert(tableName: string, values: Mutation["values"]): Mutation {
  return { table: parseTableName(tableName), kind: "upsert", values };
}

export function remove(tableName: string, values: Mutation["values"]): Mutation {
  return { table: parseTableName(tableName), kind: "delete", values };
}

/** A request of the fixture's writer in the fixture's family. */
export function request(mutations: readonly Mutation[], more: Partial<WriteRequest> = {}): WriteRequest {
  return { writer: WRITER, secret: SECRET, family: FAMILY, mutations, ...more };
}

/** One row into `COUNTS`. */
export function count(name: unknown, value: unknown = 1): Mutation {
  return upsert("counts", { name, count: value });
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The error that a promise rejects with; fails when it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<CtlstoreError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`expected a failure, got ${Bun.inspect(outcome.value)}`);
  assertNoSecretInError(outcome.error);
  if (!isCtlstoreError(outcome.error)) throw outcome.error;
  return outcome.error;
}

export type Settled =
  | { readonly sequence: bigint }
  | { readonly code: string; readonly message: string; readonly index: number | undefined };

/** How each of the writes ended. */
export function settled(writes: readonly Promise<WriteResult>[]): Promise<Settled[]> {
  return Promise.all(
    writes.map((write) =>
      write.then(
        ({ sequence }): Settled => ({ sequence }),
        (error: unknown): Settled => {
          if (!isCtlstoreError(error)) throw error;
          return { code: error.code, message: error.message, index: error.details.index };
        },
      ),
    ),
  );
}

export interface Consistent extends WholeLedger {
  readonly rows: RowsDump;
}

/** Checks the ledger from origin to head (I1, I6, I7, I14) and that its replay has the ctldb's rows (I8). */
export async function expectConsistent(url: string): Promise<Consistent> {
  const ledger = await readWholeLedger(url);
  checkLedger(ledger);
  const rows = await dumpCtlDb(url);
  expect(replayLedger(ledger.entries)).toEqual(rows);
  expect(ledger.description.headSequence).toBe(
    ledger.entries.at(-1)?.sequence ?? ledger.description.headSequence,
  );
  return { ...ledger, rows };
}

/** The ledger's statements after a sequence. */
export async function statementsAfter(url: string, sequence: bigint): Promise<string[]> {
  const { entries } = await readWholeLedger(url);
  return entries.filter((entry) => entry.sequence > sequence).map((entry) => entry.statement);
}

/** Everything that a failed call must leave as it was (I3). */
export async function stateOf(url: string, ctldb: CtlDb): Promise<unknown> {
  const { entries } = await readWholeLedger(url);
  const { headSequence, schemaVersion } = await ctldb.status();
  const catalog = await ctldb.catalog();
  return {
    rows: await dumpCtlDb(url),
    statements: entries.map((entry) => entry.statement),
    headSequence,
    schemaVersion,
    families: [...catalog.families],
    tables: catalog.tables(),
    cookie: await ctldb.readCookie(WRITER, SECRET).catch(() => null),
  };
}
