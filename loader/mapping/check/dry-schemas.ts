/** Live schemas that may be changed without anybody noticing: what a loader would make is made here only. */
import type { FamilyName, TableName } from "../../../core/names.ts";
import { type FieldSchema, type TableSchema, withAddedFields } from "../../../core/schema.ts";
import type { SchemaStore } from "../schema-store.ts";

export class DrySchemas implements SchemaStore {
  readonly #tables: TableSchema[];

  constructor(tables: Iterable<TableSchema>) {
    this.#tables = [...tables];
  }

  async ofFamily(family: FamilyName): Promise<readonly TableSchema[]> {
    return this.#tables.filter((schema) => schema.family === family);
  }

  async ensureFamily(): Promise<void> {}

  async find(family: FamilyName, table: TableName): Promise<TableSchema | null> {
    return this.#tables.find((schema) => schema.family === family && schema.table === table) ?? null;
  }

  async create(schema: TableSchema): Promise<void> {
    if ((await this.find(schema.family, schema.table)) === null) this.#tables.push(schema);
  }

  async addFields(
    { family, table }: Pick<TableSchema, "family" | "table">,
    fields: readonly FieldSchema[],
  ): Promise<void> {
    const live = await this.find(family, table);
    if (live === null) return;
    const missing = fields.filter(({ name }) => live.fields.every((field) => field.name !== name));
    this.#tables[this.#tables.indexOf(live)] = withAddedFields(live, missing);
  }
}
