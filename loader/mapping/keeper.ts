/**
 * Keeps a mapping true to the live tables while they change, by this loader's doing or by others'.
 *
 * One change at a time: lanes that need the same new field ask at the same moment, and the first one's change is enough.
 */
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { Mutex } from "../../core/process/mutex.ts";
import { type TableSchema, tableToWire } from "../../core/schema.ts";
import { fitSharedTables, fitTable } from "./fit.ts";
import { LiveMapping } from "./live-mapping.ts";
import { MappedTable } from "./mapped-table.ts";
import type { Mapping, MappingKeeper, SchemaNeed } from "./mapping.ts";
import { type MappingPlan, planMapping, type TablePlan } from "./plan.ts";
import { mappingInvalid, type Problem } from "./problems.ts";
import { readMappingFile } from "./read-file.ts";
import type { SchemaStore } from "./schema-store.ts";

export interface OpenMappingOptions {
  /** Of the file, for messages. */
  readonly name: string;
  readonly signal?: AbortSignal;
}

/**
 * Reads a mapping and the schemas of its tables. Families of tables that the loader may make are made now, so that every
 * batch has a family to go to.
 *
 * @param text of the mapping file, or its bytes
 * @param schemas such as `executiveSchemas({ url, adminToken, retryForMs })`, which decides how patient this is
 *
 * @example
 * const schemas = executiveSchemas({ url: "http://127.0.0.1:3000", adminToken });
 * const keeper = await openMapping(readFileSync(path), schemas, { name: path });
 *
 * @throws CtlstoreError `mapping_invalid`, or what the Executive says
 */
export async function openMapping(
  text: string | Uint8Array,
  schemas: SchemaStore,
  options: OpenMappingOptions,
): Promise<MappingKeeper> {
  const plan = planMapping(readMappingFile(text, options.name), options.name);
  const keeper = new Keeper(plan, schemas);
  await keeper.renew(options.signal);
  const madeFamilies = plan.tables.filter(({ create }) => create).map(({ family }) => family);
  for (const family of new Set(madeFamilies)) await schemas.ensureFamily(family, options.signal);
  return keeper;
}

class Keeper implements MappingKeeper {
  readonly #plan: MappingPlan;
  readonly #schemas: SchemaStore;
  readonly #turns = new Mutex();
  #current: LiveMapping | null = null;

  constructor(plan: MappingPlan, schemas: SchemaStore) {
    this.#plan = plan;
    this.#schemas = schemas;
  }

  get current(): Mapping {
    if (this.#current === null) throw new Error("the mapping has not been looked at yet");
    return this.#current;
  }

  renew(signal?: AbortSignal): Promise<void> {
    return this.#turns.run(() => this.#look(signal));
  }

  satisfy(need: SchemaNeed, signal?: AbortSignal): Promise<void> {
    return this.#turns.run(async () => {
      if (this.#isSatisfied(need)) return;
      try {
        if (need.kind === "create-table") await this.#schemas.create(need.schema, signal);
        else {
          const table = { family: parseFamilyName(need.family), table: parseTableName(need.table) };
          await this.#schemas.addFields(table, need.fields, signal);
        }
      } catch (error) {
        // A table that was dropped meanwhile is found out by the look: it is made anew, or the mapping does not fit any more.
        if (need.kind === "create-table" || !isGone(error)) throw refusedNeed(need, error);
      }
      await this.#look(signal);
    });
  }

  /** A lane that asked before us may have done it. */
  #isSatisfied(need: SchemaNeed): boolean {
    const { family, table } = need.kind === "create-table" ? need.schema : need;
    const schema = this.#current?.tables.find((one) => one.family === family && one.table === table)?.schema;
    if (schema === undefined || schema === null) return false;
    if (need.kind === "create-table") return true;
    return need.fields.every(({ name }) => schema.fields.some((field) => field.name === name));
  }

  async #look(signal: AbortSignal | undefined): Promise<void> {
    const { tables, name } = this.#plan;
    const live = await liveSchemas(tables, this.#schemas, signal);
    const problems: Problem[] = [];
    const fitted = tables.map((plan) => fitTable(plan, live.get(tableName(plan)) ?? null, problems));
    if (problems.length === 0) problems.push(...fitSharedTables(fitted));
    if (problems.length > 0) throw mappingInvalid(name, problems);
    const before = this.#current?.tables;
    const mapped = fitted.map(({ plan, schema, constants }, index) => {
      const old = before?.[index];
      // A table that is as it was keeps what it has compiled.
      return old !== undefined && isSameSchema(old.schema, schema)
        ? old
        : new MappedTable(plan, schema, constants);
    });
    this.#current = new LiveMapping(this.#plan, mapped);
  }
}

/** The schemas of the tables of ours that exist, by `family/table`: one question per family. */
export async function liveSchemas(
  tables: readonly TablePlan[],
  schemas: Pick<SchemaStore, "ofFamily">,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, TableSchema>> {
  const live = new Map<string, TableSchema>();
  for (const family of new Set(tables.map((plan) => plan.family))) {
    for (const schema of await schemas.ofFamily(family, signal)) live.set(tableName(schema), schema);
  }
  return live;
}

export function tableName({ family, table }: Pick<TablePlan, "family" | "table">): string {
  return `${family}/${table}`;
}

function isSameSchema(one: TableSchema | null, other: TableSchema | null): boolean {
  if (one === null || other === null) return one === other;
  return JSON.stringify(tableToWire(one)) === JSON.stringify(tableToWire(other));
}

function isGone(error: unknown): boolean {
  return isCtlstoreError(error) && (error.code === "unknown_table" || error.code === "unknown_family");
}

/** What can never be done is the event's fault: it asks for it. What is only away stays as it is. */
function refusedNeed(need: SchemaNeed, error: unknown): unknown {
  if (!isCtlstoreError(error) || !["invalid_schema", "invalid_name"].includes(error.code)) return error;
  const name = need.kind === "create-table" ? tableName(need.schema) : `${need.family}/${need.table}`;
  return new CtlstoreError("event_refused", `Cannot make what a row of ${name} needs: ${error.message}`, {
    cause: error,
    ...(error.details.hint === undefined ? {} : { hint: error.details.hint }),
  });
}
