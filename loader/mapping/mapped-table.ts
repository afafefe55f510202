/**
 * Rows of one table of the origin as rows of one table of ours.
 *
 * Keeps R31 and R33: a changed key is a delete and an upsert in this order, a delete without a key is refused rather than
 * passed over, and what a row says is kept exactly or refused.
 */
import type { FieldValue } from "../../client/encode.ts";
import { quote } from "../../core/errors.ts";
import { MAPPING_LIMITS } from "../../core/limits.ts";
import type { TableSchema } from "../../core/schema.ts";
import type { Image, RowEvent } from "../events/change-event.ts";
import { type CompiledForm, compileForm, type Feed } from "./compile-form.ts";
import { keyTextOf } from "./key-text.ts";
import type { OnTruncate, RowMutation, SchemaNeed, TableMapping, VanishedRows } from "./mapping.ts";
import { newTable } from "./new-fields.ts";
import type { TablePlan } from "./plan.ts";
import { eventRefused, FULL_IMAGES_HINT } from "./refusal.ts";

const NOTHING: readonly RowMutation[] = [];

export class MappedTable implements TableMapping {
  readonly plan: TablePlan;
  readonly schema: TableSchema | null;
  readonly constants: ReadonlyMap<string, FieldValue>;
  /** By the event's own schema, which the decoder shares between events. */
  readonly #typedForms = new WeakMap<object, CompiledForm>();
  /** By the columns' names, of events without schema. */
  readonly #bareForms = new Map<string, CompiledForm>();
  readonly #constantValues: Readonly<Record<string, FieldValue>>;

  /** @param constants that fit the schema */
  constructor(plan: TablePlan, schema: TableSchema | null, constants: ReadonlyMap<string, FieldValue>) {
    this.plan = plan;
    this.schema = schema;
    this.constants = constants;
    this.#constantValues = Object.fromEntries(constants);
  }

  get topic(): string {
    return this.plan.topic;
  }
  get source(): string | null {
    return this.plan.source;
  }
  get family(): string {
    return this.plan.family;
  }
  get table(): string {
    return this.plan.table;
  }
  get vanishedRows(): VanishedRows {
    return this.plan.vanishedRows;
  }

  get sweepAtMostPercent(): number {
    return this.plan.sweepAtMostPercent;
  }
  get onTruncate(): OnTruncate {
    return this.plan.onTruncate;
  }

  toMutations(event: RowEvent, partition = 0): readonly RowMutation[] {
    const { schema } = this;
    if (schema === null) {
      if (event.after === null) return NOTHING;
      throw eventRefused(this.plan, "the table does not exist yet; it must be made first");
    }
    if (event.isTombstone) return this.#ofTombstone(schema, event);
    if (partition > 0) this.#assertOrdered(schema, event);
    if (event.after === null) return [this.#deleteOf(schema, event)];
    return this.#ofRow(schema, event, event.after);
  }

  schemaNeed(event: RowEvent): SchemaNeed | null {
    const { schema, plan } = this;
    if (event.after === null) return null;
    if (schema === null) {
      const made = newTable(plan, event);
      return made === null ? null : { kind: "create-table", schema: made };
    }
    if (!plan.addFields) return null;
    const { newFields, refusal } = this.#formOf(schema, event.after);
    // Nothing is added for a row that is refused anyway.
    if (newFields.length === 0 || refusal !== null) return null;
    return { kind: "add-fields", family: plan.family, table: plan.table, fields: newFields };
  }

  #ofRow(schema: TableSchema, event: RowEvent, after: Image): readonly RowMutation[] {
    const upsert = this.#upsertOf(schema, after);
    const isRecordsKey = this.#isKeyedBy(schema, event.key);
    // Of a flattened table whose key is not the record's, neither updates nor deletes would tell which row they are about.
    if (event.form === "flattened" && !isRecordsKey)
      throw this.#keyIsMissing(schema, event, "the record's key");
    if (isRecordsKey) this.#assertSameKey(schema, event, after, upsert);
    if (event.op !== "update" && event.op !== "create") return [upsert];
    const removal = this.#removalBy(schema, event.before);
    if (removal !== null) return removal.keyText === upsert.keyText ? [upsert] : [removal, upsert];
    // Under the record's key an update cannot change ours: Debezium makes a delete and a create of that.
    if (event.op === "create" || isRecordsKey) return [upsert];
    throw this.#keyIsMissing(schema, event, "the row before the update");
  }

  /**
   * Where the record's key has a schema and the row has none, or the other way round, one value may be read in two ways, such
   * as a date. A tombstone, which has a key only, would then delete nothing.
   */
  #assertSameKey(schema: TableSchema, { key }: RowEvent, after: Image, upsert: RowMutation): void {
    if (key === null || (key.types === null) === (after.types === null)) return;
    const removal = this.#removalBy(schema, key);
    if (removal === null || removal.keyText === upsert.keyText) return;
    throw eventRefused(
      this.plan,
      "the record's key is not read as the row's: one of them has a schema, the other has none",
      {
        hint: "set key.converter.schemas.enable as value.converter.schemas.enable, or give the key's fields their `column` in the mapping",
      },
    );
  }

  #deleteOf(schema: TableSchema, event: RowEvent): RowMutation {
    const removal = this.#removalBy(schema, event.before) ?? this.#removalBy(schema, event.key);
    if (removal === null) throw this.#keyIsMissing(schema, event, "the deleted row");
    return removal;
  }

  /**
   * By the record's key where that has ours: of a flattened table it is the delete itself, of others its echo, which then
   * changes nothing. Without our key it can only be an echo, since rows of such flattened tables are never loaded.
   */
  #ofTombstone(schema: TableSchema, event: RowEvent): readonly RowMutation[] {
    const removal = this.#removalBy(schema, event.key);
    return removal === null ? NOTHING : [removal];
  }

  #upsertOf(schema: TableSchema, image: Image): RowMutation {
    const { feeds, lackingKey, refusal, columnCount, newFields } = this.#formOf(schema, image);
    if (refusal !== null) {
      const { why, field, hint } = refusal;
      throw eventRefused(this.plan, why, { field, hint });
    }
    if (newFields[0] !== undefined) {
      const { name } = newFields[0];
      throw eventRefused(this.plan, `field ${quote(name)} does not exist yet; it must be added first`, {
        field: name,
      });
    }
    if (lackingKey[0] !== undefined) {
      const why = `the event has no column for key field ${quote(lackingKey[0])}`;
      throw eventRefused(this.plan, why, { field: lackingKey[0] });
    }
    if (Object.keys(image.values).length !== columnCount) throw this.#schemaLies(image);
    return this.#mutation(schema, this.#valuesOf(feeds, image), false);
  }

  /** A delete of the row that an image tells, or null when it does not tell the whole key. */
  #removalBy(schema: TableSchema, image: Image | null): RowMutation | null {
    if (image === null) return null;
    const { keyFeeds, lackingKey } = this.#formOf(schema, image);
    if (lackingKey.length > 0 || keyFeeds.some(({ column }) => (image.values[column] ?? null) === null)) {
      return null;
    }
    const values = this.#valuesOf(keyFeeds, image);
    const key = schema.keyFields.map((field) => [field, values[field]] as const);
    return this.#mutation(schema, Object.fromEntries(key), true);
  }

  #valuesOf(feeds: readonly Feed[], image: Image): Record<string, FieldValue> {
    const values: Record<string, FieldValue> = { ...this.#constantValues };
    for (const { column, field, convert } of feeds) {
      const value = image.values[column];
      if (value === undefined) throw this.#schemaLies(image);
      values[field] = convert(value);
    }
    return values;
  }

  #mutation(schema: TableSchema, values: Record<string, FieldValue>, isDelete: boolean): RowMutation {
    const { family, table } = this.plan;
    const empty = schema.keyFields.find((field) => (values[field] ?? null) === null);
    if (empty !== undefined) {
      throw eventRefused(this.plan, `key field ${quote(empty)} is null`, { field: empty });
    }
    return { family, table, delete: isDelete, values, keyText: keyTextOf(schema, values) };
  }

  /**
   * A partition beyond the first says that the topic has several. Kafka keeps the order of one key in one partition; with
   * another key than the table's, a row's delete may come after the create that takes its place, and would delete that.
   */
  #assertOrdered(schema: TableSchema, { key }: RowEvent): void {
    const columns = new Set(
      key === null ? [] : this.#formOf(schema, key).keyFeeds.map(({ column }) => column),
    );
    if (columns.size > 0 && Object.keys(key?.values ?? {}).every((column) => columns.has(column))) return;
    const why =
      "the record's key is not the table's, so its events may come through several partitions in any order";
    const hint =
      "have the connector key its records by the table's key (message.key.columns), or give the topic one partition";
    throw eventRefused(this.plan, why, { field: schema.keyFields[0] ?? "", hint });
  }

  #isKeyedBy(schema: TableSchema, key: Image | null): boolean {
    return key !== null && this.#formOf(schema, key).lackingKey.length === 0;
  }

  #formOf(schema: TableSchema, image: Image): CompiledForm {
    const { types, values } = image;
    if (types !== null) {
      let form = this.#typedForms.get(types);
      if (form === undefined) {
        form = compileForm(this.plan, schema, [...types.keys()], types);
        this.#typedForms.set(types, form);
      }
      return form;
    }
    const columns = Object.keys(values);
    const name = JSON.stringify(columns);
    let form = this.#bareForms.get(name);
    if (form === undefined) {
      form = compileForm(this.plan, schema, columns, null);
      if (this.#bareForms.size >= MAPPING_LIMITS.compiledForms) this.#bareForms.clear();
      this.#bareForms.set(name, form);
    }
    return form;
  }

  #schemaLies({ types, values }: Image) {
    const column =
      [...(types?.keys() ?? [])].find((name) => values[name] === undefined) ??
      Object.keys(values).find((name) => types?.has(name) === false);
    return eventRefused(this.plan, `the event's schema and its row do not have the same columns`, {
      ...(column === undefined ? {} : { field: column }),
    });
  }

  #keyIsMissing(schema: TableSchema, event: RowEvent, where: string) {
    const image = event.before ?? event.key;
    const [field = schema.keyFields[0] ?? ""] = image === null ? [] : this.#formOf(schema, image).lackingKey;
    const hint =
      event.form === "flattened"
        ? "load the connector's whole envelopes, or make the record's key the table's key"
        : FULL_IMAGES_HINT;
    return eventRefused(this.plan, `${where} does not tell key field ${quote(field)}`, { field, hint });
  }
}
