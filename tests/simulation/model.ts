/**
 * ctlstore in the simplest form that can be: families, tables and rows in maps, one request after the other.
 *
 * It says for every request what must come of it, and holds the rows that ctldb and LDB must then have (I8).
 */
import type { ErrorCode } from "../../core/errors.ts";
import { canonicalRow, type RowsDump } from "../support/dump-rows.ts";
import type {
  FamilyIndex,
  RequestStep,
  SchemaStep,
  SentBatch,
  SentMutation,
  TableShape,
  WriterIndex,
} from "./steps.ts";
import { type Cell, cellFromJson, REFUSED } from "./value-model.ts";

export interface ModelTable extends TableShape {
  /** By the canonical form of the key; each row in the order of the fields. */
  readonly rows: ReadonlyMap<string, readonly Cell[]>;
}

/** Tables by `family/table`. Never changed in place, so a state may be kept. */
export type ModelState = ReadonlyMap<string, ModelTable>;

export type Verdict =
  /** Takes effect and adds this many ledger entries. */
  | { readonly ok: true; readonly entries: number; readonly apply: () => void }
  /** Refused with one of these codes; `index` is the mutation that must be named. */
  | { readonly ok: false; readonly codes: readonly ErrorCode[]; readonly index?: number };

const refused = (...codes: ErrorCode[]): Verdict => ({ ok: false, codes });

/** Bytes of a key field in an index of the ctldb; the other types cannot be part of a key. */
const KEY_BYTES: Partial<Record<string, number>> = { string: 764, bytestring: 255, integer: 8 };
const MOST_KEY_BYTES = 3072;
const MOST_MUTATIONS = 100;
/** SQLite's own names of the row's number: it takes them in a new table, and refuses to add them. */
const NEVER_ADDED = ["rowid", "oid"];

const nameOf = (family: FamilyIndex, table: string) => `${family}/${table}`;

export class Model {
  #families: ReadonlySet<FamilyIndex> = new Set();
  #tables: ModelState = new Map();
  readonly #cookies = new Map<WriterIndex, string>();

  get families(): ReadonlySet<FamilyIndex> {
    return this.#families;
  }
  get state(): ModelState {
    return this.#tables;
  }
  /** In base64. */
  cookie(writer: WriterIndex): string {
    return this.#cookies.get(writer) ?? "";
  }
  table(family: FamilyIndex, table: string): ModelTable | undefined {
    return this.#tables.get(nameOf(family, table));
  }

  /** What must come of a request that changes the schema or clears rows. */
  judge(step: SchemaStep): Verdict {
    switch (step.kind) {
      case "create-family":
        if (this.#families.has(step.family)) return refused("family_exists");
        return {
          ok: true,
          entries: 0,
          apply: () => {
            this.#families = new Set([...this.#families, step.family]);
          },
        };
      case "create-tables":
        return this.#judgeCreate(step.tables);
      case "add-fields":
        return this.#judgeAddFields(step);
      case "drop-table":
        return this.#withTable(step.family, step.table, (table) => ({
          ok: true,
          entries: 1,
          apply: () => this.#put(table, null),
        }));
      case "clear-rows":
        if (step.table !== null)
          return this.#withTable(step.family, step.table, (table) => this.#clear([table]));
        if (!this.#families.has(step.family)) return refused("unknown_family");
        return this.#clear([...this.#tables.values()].filter((table) => table.family === step.family));
    }
  }

  #judgeCreate(tables: readonly TableShape[]): Verdict {
    if (tables.some((table) => !isPossible(table))) return refused("invalid_schema");
    const seen = new Set<string>();
    for (const { family, table } of tables) {
      const name = nameOf(family, table);
      if (!this.#families.has(family)) return refused("unknown_family");
      if (this.#tables.has(name) || seen.has(name)) return refused("table_exists");
      seen.add(name);
    }
    return {
      ok: true,
      entries: tables.length,
      apply: () => {
        for (const table of tables) this.#put(table, { ...table, rows: new Map() });
      },
    };
  }

  #judgeAddFields({ family, table: name, fields }: Extract<RequestStep, { kind: "add-fields" }>): Verdict {
    if (hasTwins(fields.map(([field]) => field))) return refused("invalid_schema");
    return this.#withTable(family, name, (table) => {
      if (hasTwins([...table.fields, ...fields].map(([field]) => field))) return refused("field_exists");
      if (fields.some(([field]) => NEVER_ADDED.includes(field))) return refused("invalid_schema");
      const apply = () => {
        const added = fields.map(() => null);
        const rows = new Map([...table.rows].map(([key, row]) => [key, [...row, ...added]]));
        this.#put(table, { ...table, fields: [...table.fields, ...fields], rows });
      };
      return { ok: true, entries: fields.length, apply };
    });
  }

  #clear(tables: readonly ModelTable[]): Verdict {
    const apply = () => {
      for (const table of tables) this.#put(table, { ...table, rows: new Map() });
    };
    return { ok: true, entries: entriesOf(tables.length), apply };
  }

  /** What must come of a batch, judged by the state now. */
  judgeBatch(batch: SentBatch): Verdict {
    if (batch.mutations.length > MOST_MUTATIONS) return refused("too_many_mutations");
    if (batch.credentials !== "right") return refused("bad_credentials");
    if (!this.#families.has(batch.family)) return refused("unknown_family");
    for (const [index, mutation] of batch.mutations.entries()) {
      const codes = this.#faultsOf(mutation, batch.family);
      if (codes.length > 0) return { ok: false, codes, index };
    }
    if (batch.checkCookie === "wrong") return refused("cookie_conflict");
    return {
      ok: true,
      entries: entriesOf(batch.mutations.length),
      apply: () => {
        if (batch.cookie !== null) this.#cookies.set(batch.writer, batch.cookie);
        this.#applyMutations(batch);
      },
    };
  }

  #faultsOf(mutation: SentMutation, family: FamilyIndex): ErrorCode[] {
    const table = this.table(family, mutation.table);
    if (table === undefined) return ["unknown_table"];
    const codes = new Set<ErrorCode>();
    const sent = new Map<string, string>();
    for (const [sentName, json] of mutation.values) {
      const name = sentName.toLowerCase();
      if (!table.fields.some(([field]) => field === name)) codes.add("unknown_field");
      sent.set(name, json);
    }
    for (const [name, type] of table.fields) {
      const isKey = table.keyFields.includes(name);
      const json = sent.get(name);
      if (mutation.isDelete && !isKey) continue;
      if (json === undefined) {
        if (isKey) codes.add("missing_key_field");
        continue;
      }
      const cell = cellFromJson(type, json);
      if (cell === REFUSED || (isKey && cell === null)) codes.add("invalid_value");
    }
    return [...codes];
  }

  #applyMutations({ family, mutations }: SentBatch): void {
    for (const { table: name, isDelete, values } of mutations) {
      const table = this.table(family, name);
      if (table === undefined) throw new Error("applied a batch that cannot be applied");
      const sent = new Map(values.map(([field, json]) => [field.toLowerCase(), json]));
      const row = table.fields.map(([field, type]) => {
        const cell = cellFromJson(type, sent.get(field) ?? "null");
        return cell === REFUSED ? null : cell; // of a delete, a value beside the key may be anything
      });
      const rows = new Map(table.rows);
      const key = canonicalRow(keyOf(table, row));
      rows.delete(key);
      if (!isDelete) rows.set(key, row);
      this.#put(table, { ...table, rows });
    }
  }

  #withTable(family: FamilyIndex, table: string, judge: (table: ModelTable) => Verdict): Verdict {
    if (!this.#families.has(family)) return refused("unknown_family");
    const found = this.table(family, table);
    return found === undefined ? refused("unknown_table") : judge(found);
  }

  #put({ family, table }: TableShape, next: ModelTable | null): void {
    const tables = new Map(this.#tables);
    if (next === null) tables.delete(nameOf(family, table));
    else tables.set(nameOf(family, table), next);
    this.#tables = tables;
  }
}

/** Two or more are fenced by the two markers. */
function entriesOf(statements: number): number {
  return statements > 1 ? statements + 2 : statements;
}

function hasTwins(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

function isPossible({ fields, keyFields }: TableShape): boolean {
  if (keyFields.length === 0 || hasTwins(keyFields) || hasTwins(fields.map(([name]) => name))) return false;
  let bytes = 0;
  for (const key of keyFields) {
    const type = fields.find(([name]) => name === key)?.[1];
    bytes += (type === undefined ? undefined : KEY_BYTES[type]) ?? Number.POSITIVE_INFINITY;
  }
  return bytes <= MOST_KEY_BYTES;
}

/** The key of a row, in key order. */
export function keyOf(table: TableShape, row: readonly Cell[]): Cell[] {
  return table.keyFields.map((key) => row[table.fields.findIndex(([name]) => name === key)] ?? null);
}

/** A state in the form in which databases are dumped. */
export function dumpState(state: ModelState, familyName: (family: FamilyIndex) => string): RowsDump {
  const tables = [...state.values()].map((table) => {
    const name = `${familyName(table.family)}___${table.table}`;
    const rows = [...table.rows.values()].map(canonicalRow).sort();
    const columns = table.fields.map(([field, type]) => `${field} ${type}`);
    return [name, { columns, key: table.keyFields, rows }] as const;
  });
  return Object.fromEntries(tables.sort(([a], [b]) => (a < b ? -1 : 1)));
}
