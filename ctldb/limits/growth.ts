/**
 * Whether a write makes a table grow that is over its hard limit (R35, D13).
 *
 * A write passes when the rows that it names in such a table take no more bytes after it than before: deletes do, and
 * upserts whose rows are no longer than those that they replace. Else nobody could make room. It is judged under the ledger lock, in order of
 * arrival, by the sizes of the rows themselves: those stored are read once for all that wait, and each write sees what
 * those before it leave. A write that only deletes needs no reading, and without a full table nothing is read at all.
 */
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { ldbTableName } from "../../core/names.ts";
import type { TableSchema } from "../../core/schema.ts";
import type { SqlValue } from "../../core/values.ts";
import type { LockedLedger, RowOperation } from "../store.ts";
import type { SizeLimit } from "./contract.ts";
import { newRowBytes, type RowAddress, storedRowBytes } from "./row-sizes.ts";

/** The part of a `WritePlan` that is judged. */
export interface PlannedWrite {
  readonly operations: readonly RowOperation[];
}

/** What is known of tables that are over their limit; see `sizes.ts`. */
export interface FullTables {
  isFull(schema: TableSchema, limit: SizeLimit | null): boolean;
  /** Asked under the lock before a write is refused: false for a table that is not the one which was measured. */
  isSameTable(schema: TableSchema, locked: Pick<LockedLedger, "head" | "query">): Promise<boolean>;
}

export interface GrowthDeps {
  readonly tables: FullTables;
  readonly limitOf: (schema: TableSchema) => SizeLimit | null;
}

/** Judges writes in order. Each round of a group begins with a new one. */
export interface GrowthJudge {
  /** Counts a write that has run in this transaction already. */
  take(write: PlannedWrite): void;
  /**
   * The last of all checks: what it lets pass counts for the writes after it.
   * @throws CtlstoreError `table_full` with the index of the first mutation that makes the table grow
   */
  assertMayGrow(write: PlannedWrite): void;
}

/**
 * Reads what judging these writes needs; once for a group, after the lock was taken and before any of them has run. The
 * writes must be planned with the catalog that holds under the lock.
 * @returns a maker of judges, one for each round
 */
export async function prepareGrowth(
  writes: readonly PlannedWrite[],
  locked: Pick<LockedLedger, "head" | "query">,
  deps: GrowthDeps,
): Promise<() => GrowthJudge> {
  const full = await fullTables(writes, locked, deps);
  if (full.size === 0) return () => NOTHING_IS_FULL;
  const stored = await storedRows(namedRows(writes, full), locked);
  return stored === null ? () => NOTHING_IS_FULL : () => new RowSizeJudge(full, stored, deps.limitOf);
}

/** Null when a table was changed by hand: its writes fail each by itself, and those of others not with them. */
async function storedRows(
  addresses: ReadonlyMap<string, RowAddress>,
  locked: Pick<LockedLedger, "query">,
): Promise<Map<string, number> | null> {
  try {
    const bytes = await storedRowBytes([...addresses.values()], locked);
    return new Map([...addresses.keys()].map((row, i) => [row, bytes[i] ?? 0]));
  } catch (error) {
    if (isCtlstoreError(error) && error.code !== "ctldb_unavailable") return null;
    throw error;
  }
}

const NOTHING_IS_FULL: GrowthJudge = { take() {}, assertMayGrow() {} };

async function fullTables(
  writes: readonly PlannedWrite[],
  locked: Pick<LockedLedger, "head" | "query">,
  { tables, limitOf }: GrowthDeps,
): Promise<Set<TableSchema>> {
  const seen = new Set<TableSchema>();
  let last: TableSchema | null = null;
  for (const { operations } of writes) {
    for (const { schema } of operations) {
      // Nearly always the same as the one before.
      if (schema !== last) seen.add(schema);
      last = schema;
    }
  }
  const full = new Set<TableSchema>();
  for (const schema of seen) {
    if (tables.isFull(schema, limitOf(schema)) && (await tables.isSameTable(schema, locked)))
      full.add(schema);
  }
  return full;
}

/** Rows of full tables whose size matters: those of writes that put something into them. */
function namedRows(writes: readonly PlannedWrite[], full: ReadonlySet<TableSchema>): Map<string, RowAddress> {
  const addresses = new Map<string, RowAddress>();
  for (const { operations } of writes) {
    const filled = filledTables(operations, full);
    for (const operation of operations) {
      if (!filled.has(operation.schema)) continue;
      const address = addressOf(operation);
      addresses.set(rowName(address), address);
    }
  }
  return addresses;
}

function filledTables(operations: readonly RowOperation[], full: ReadonlySet<TableSchema>): Set<TableSchema> {
  return new Set(
    operations
      .filter(({ kind, schema }) => kind === "upsert" && full.has(schema))
      .map(({ schema }) => schema),
  );
}

function addressOf({ kind, schema, values }: RowOperation): RowAddress {
  if (kind !== "upsert") return { schema, key: values };
  const positions = schema.keyFields.map((name) => schema.fields.findIndex((field) => field.name === name));
  return { schema, key: positions.map((position) => values[position] ?? null) };
}

/** The same text for the same row, and for no other. */
function rowName({ schema, key }: RowAddress): string {
  return `${ldbTableName(schema.family, schema.table)} ${key.map(keyText).join(" ")}`;
}

function keyText(value: SqlValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
}

class RowSizeJudge implements GrowthJudge {
  readonly #full: ReadonlySet<TableSchema>;
  readonly #limitOf: GrowthDeps["limitOf"];
  /** As stored when the lock was taken. */
  readonly #stored: ReadonlyMap<string, number>;
  /** As the writes that passed leave them. */
  readonly #changed = new Map<string, number>();

  constructor(
    full: ReadonlySet<TableSchema>,
    stored: ReadonlyMap<string, number>,
    limitOf: GrowthDeps["limitOf"],
  ) {
    this.#full = full;
    this.#stored = stored;
    this.#limitOf = limitOf;
  }

  take({ operations }: PlannedWrite): void {
    for (const [row, bytes] of this.#outcome(operations).rows) this.#changed.set(row, bytes);
  }

  assertMayGrow({ operations }: PlannedWrite): void {
    const { rows, growth } = this.#outcome(operations);
    for (const [schema, { bytes, index }] of growth) {
      if (bytes > 0) throw tableFull(schema, bytes, index, this.#limitOf(schema));
    }
    for (const [row, bytes] of rows) this.#changed.set(row, bytes);
  }

  /** What the rows of full tables are after these operations, and by how much each table has grown. */
  #outcome(operations: readonly RowOperation[]): {
    readonly rows: Map<string, number>;
    readonly growth: Map<TableSchema, Growth>;
  } {
    const rows = new Map<string, number>();
    const growth = new Map<TableSchema, Growth>();
    for (const [index, operation] of operations.entries()) {
      const { schema, kind, values } = operation;
      if (!this.#full.has(schema)) continue;
      const row = rowName(addressOf(operation));
      const before = rows.get(row) ?? this.#changed.get(row) ?? this.#stored.get(row) ?? 0;
      const after = kind === "upsert" ? newRowBytes(values) : 0;
      rows.set(row, after);
      const sum = growth.get(schema) ?? { bytes: 0, index: null };
      const first = sum.index ?? (after > before ? index : null);
      growth.set(schema, { bytes: sum.bytes + after - before, index: first });
    }
    return { rows, growth };
  }
}

interface Growth {
  readonly bytes: number;
  /** The first operation that made a row longer. */
  readonly index: number | null;
}

function tableFull(
  { family, table }: TableSchema,
  bytes: number,
  index: number | null,
  limit: SizeLimit | null,
): CtlstoreError {
  return new CtlstoreError(
    "table_full",
    `Cannot write to table ${family}/${table}: it is over its hard limit of ${limit?.maxBytes} bytes, and the write would make it ${bytes} bytes larger`,
    {
      ...(index === null ? {} : { index }),
      hint: `delete rows, or raise the limit with POST /limits/tables/${family}/${table}; deletes pass, and upserts whose rows are not longer than before`,
    },
  );
}
