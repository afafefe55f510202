/** The Executive's tables as the mapping needs them: look, make, add. Everything may be repeated safely. */
import { unwrap } from "../../client/client-error.ts";
import { type Client, createClient, type FetchLike } from "../../client/create-client.ts";
import { Patience } from "../../client/patience.ts";
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { MAPPING_LIMITS } from "../../core/limits.ts";
import type { FamilyName, TableName } from "../../core/names.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { type FieldSchema, parseTableSchema, type TableSchema, tableToWire } from "../../core/schema.ts";
import { isAway } from "../away.ts";

/** Every call may throw CtlstoreError: `bad_credentials`, `ctldb_unavailable`, … */
export interface SchemaStore {
  /** The tables of a family; none when there is no such family. */
  ofFamily(family: FamilyName, signal?: AbortSignal): Promise<readonly TableSchema[]>;
  /** Makes a family; nothing happens if it is there. */
  ensureFamily(family: FamilyName, signal?: AbortSignal): Promise<void>;
  /** Null when there is no such table, or no such family. */
  find(family: FamilyName, table: TableName, signal?: AbortSignal): Promise<TableSchema | null>;
  /** Makes the family and the table; nothing happens if there is a table of that name by now. */
  create(schema: TableSchema, signal?: AbortSignal): Promise<void>;
  /** Adds those of the fields that the table does not have; which types those have is not looked at. */
  addFields(
    table: Pick<TableSchema, "family" | "table">,
    fields: readonly FieldSchema[],
    signal?: AbortSignal,
  ): Promise<void>;
}

export interface SchemaStoreOptions {
  /** Where the Executive listens. */
  readonly url: string;
  readonly adminToken: string;
  /** How long one call goes on trying while the Executive is away; 0, the default, tries once. */
  readonly retryForMs?: number;
  readonly fetch?: FetchLike;
  readonly clock?: Clock;
  /** For the jitter of retries: returns 0 ≤ x < 1. */
  readonly random?: () => number;
}

/** The tables of an Executive. */
export function executiveSchemas(options: SchemaStoreOptions): SchemaStore {
  return new ExecutiveSchemas(options);
}

class ExecutiveSchemas implements SchemaStore {
  readonly #client: Client;
  readonly #options: SchemaStoreOptions;

  constructor(options: SchemaStoreOptions) {
    this.#options = options;
    const { url, adminToken, fetch } = options;
    this.#client = createClient(url, { adminToken, ...(fetch === undefined ? {} : { fetch }) });
  }

  ofFamily(family: FamilyName, signal?: AbortSignal): Promise<readonly TableSchema[]> {
    return this.#patiently(signal, async (fetch) => {
      const answer = await unlessUnknown(async () =>
        unwrap(await this.#client.schema.family({ family }).get({ fetch })),
      );
      return (answer ?? []).map((table) => parseTableSchema(table.family, table.name, table));
    });
  }

  find(family: FamilyName, table: TableName, signal?: AbortSignal): Promise<TableSchema | null> {
    return this.#patiently(signal, async (fetch) => {
      const answer = await unlessUnknown(async () =>
        unwrap(await this.#client.schema.table({ family })({ table }).get({ fetch })),
      );
      return answer === null ? null : parseTableSchema(answer.family, answer.name, answer);
    });
  }

  ensureFamily(family: FamilyName, signal?: AbortSignal): Promise<void> {
    return this.#patiently(signal, async (fetch) => {
      const place = this.#client.families({ family });
      await unlessDone("family_exists", async () => unwrap(await place.post(undefined, { fetch })));
    });
  }

  create(schema: TableSchema, signal?: AbortSignal): Promise<void> {
    const { family, table } = schema;
    return this.#patiently(signal, async (fetch) => {
      if ((await this.find(family, table, signal)) !== null) return;
      await this.ensureFamily(family, signal);
      const { fields, keyFields } = tableToWire(schema);
      const place = this.#client.families({ family });
      await unlessDone("table_exists", async () =>
        unwrap(await place.tables({ table }).post({ fields, keyFields }, { fetch })),
      );
    });
  }

  addFields(
    { family, table }: Pick<TableSchema, "family" | "table">,
    wanted: readonly FieldSchema[],
    signal?: AbortSignal,
  ): Promise<void> {
    const place = this.#client.families({ family }).tables({ table });
    return this.#patiently(signal, async (fetch) => {
      // Others may add some of them between a look and the change, which is then refused as a whole: look again.
      for (let round = 1; round <= MAPPING_LIMITS.schemaRounds; round++) {
        const live = await this.find(family, table, signal);
        const has = new Set(live?.fields.map(({ name }) => name) ?? []);
        const missing = wanted.filter(({ name }) => !has.has(name));
        if (missing.length === 0) return;
        const fields = missing.map(({ name, type }): [string, string] => [name, type]);
        const isDone = await unlessDone("field_exists", async () =>
          unwrap(await place.put({ fields }, { fetch })),
        );
        if (isDone) return;
      }
      throw new CtlstoreError(
        "ctldb_unavailable",
        `Cannot add fields to ${family}/${table}: others change it all the time`,
      );
    });
  }

  /** What an earlier attempt may have done already is found out by looking again, so every outcome may be tried again. */
  async #patiently<T>(
    signal: AbortSignal | undefined,
    call: (fetch: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { retryForMs = 0, clock = systemClock, random } = this.#options;
    const patience = new Patience({ retryForMs, clock, random, signal });
    for (;;) {
      signal?.throwIfAborted();
      const timeout = AbortSignal.timeout(MAPPING_LIMITS.requestTimeoutMs);
      try {
        return await call({ signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
      } catch (error) {
        signal?.throwIfAborted();
        if (!isAway(error)) throw error;
        await patience.pause(error);
      }
    }
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return isCtlstoreError(error) && codes.includes(error.code);
}

/** Null when there is no such table or family. */
async function unlessUnknown<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (hasCode(error, "unknown_table", "unknown_family")) return null;
    throw error;
  }
}

/** False when somebody else has done it. */
async function unlessDone(code: string, change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    if (hasCode(error, code)) return false;
    throw error;
  }
}
