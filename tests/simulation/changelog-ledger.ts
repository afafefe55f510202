/**
 * A ledger made of a seed, over several tables with keys of every kind, and what a changelog must tell of it.
 *
 * What must be told is worked out here from what was meant, not from the statements: nothing of the Reflector's is used.
 */
import { CtlstoreError } from "../../core/errors.ts";
import {
  addFieldStatement,
  clearTableStatement,
  createTableStatement,
  deleteStatement,
  dropTableStatement,
  upsertStatement,
} from "../../core/ledger/statements.ts";
import { parseFieldName } from "../../core/names.ts";
import { parseTableSchema, type TableSchema, withAddedFields } from "../../core/schema.ts";
import type { SqlValue } from "../../core/values.ts";
import type { KeyValue } from "../../reader/types.ts";
import { MemoryLedger } from "../reflector/memory-ledger.ts";
import { seededRandom } from "../support/suite.ts";

export interface ChangesLedger {
  readonly ledger: MemoryLedger;
  /** One text for each change, as `changeText` makes it, in order. */
  readonly expected: readonly ExpectedChange[];
}

export interface ExpectedChange {
  readonly sequence: bigint;
  readonly text: string;
}

/** A change in one text. @param last whether it is the last one of its ledger transaction */
export function changeText(
  sequence: bigint,
  what: { readonly kind: string; readonly table: string; readonly key?: readonly KeyValue[] | undefined },
  last: boolean,
): string {
  const key = (what.key ?? []).map((part) =>
    part instanceof Uint8Array ? `x${Buffer.from(part).toString("hex")}` : JSON.stringify(String(part)),
  );
  return `${sequence} ${what.kind} ${what.table} ${key.join(",")}${last ? " ." : ""}`;
}

interface Meant {
  readonly kind: string;
  readonly table: string;
  readonly key?: readonly KeyValue[];
}

const KEYS = 12;
const TEXTS = ["", "a", "it's", '"q"', "back\\slash", "nul\u0000in", "é🙂", " pad ", "\n", "{}"];
const LONGEST_TRANSACTION = 25;

const TABLES = [
  [
    "shop",
    "items",
    [
      ["id", "string"],
      ["name", "text"],
    ],
    ["id"],
  ],
  [
    "shop",
    "stock",
    [
      ["place", "integer"],
      ["item", "string"],
      ["count", "integer"],
    ],
    ["item", "place"],
  ],
  [
    "routing",
    "hosts",
    [
      ["address", "bytestring"],
      ["weight", "decimal"],
    ],
    ["address"],
  ],
] as const satisfies ReadonlyArray<
  readonly [string, string, ReadonlyArray<readonly [string, string]>, readonly string[]]
>;

export function changesLedger(seed: number, statements: number): ChangesLedger {
  const maker = new LedgerMaker(seed);
  for (const [family, table, fields, keyFields] of TABLES) {
    maker.create(parseTableSchema(family, table, { fields, keyFields }));
  }
  while (maker.ledger.head < statements) maker.step();
  return { ledger: maker.ledger, expected: maker.expected };
}

/** The first sequence from there on that lies outside a ledger transaction. */
export function boundaryAfter(ledger: MemoryLedger, from: number): number {
  const { entries } = ledger;
  let inside = false;
  for (const { sequence, statement } of entries) {
    if (statement.endsWith("BEGIN")) inside = true;
    if (statement.endsWith("COMMIT")) inside = false;
    if (!inside && Number(sequence) >= from) return Number(sequence);
  }
  throw new CtlstoreError("internal", `Cannot find a boundary after ${from}: the ledger ends before`);
}

class LedgerMaker {
  readonly ledger = new MemoryLedger();
  readonly expected: ExpectedChange[] = [];
  readonly #random: () => number;
  readonly #schemas: TableSchema[] = [];
  /** The changes of the ledger transaction that is being made, by what is changed. */
  readonly #open = new Map<string, { sequence: bigint; meant: Meant }>();
  #added = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  create(schema: TableSchema): void {
    this.#schemas.push(schema);
    this.#alone(createTableStatement(schema), { kind: "schema", table: nameOf(schema) });
  }

  step(): void {
    const dice = this.#random();
    if (dice < 0.5) this.#single();
    else if (dice < 0.93) this.#transaction();
    else if (dice < 0.95) this.#change(this.#clear());
    else if (dice < 0.97) this.#addField();
    else if (dice < 0.985) this.#addFieldWithDefault();
    else this.#dropAndMakeAgain();
    this.#end();
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #single(): void {
    this.#change(this.#mutation());
  }

  #transaction(): void {
    const statements = 2 + this.#below(LONGEST_TRANSACTION);
    this.ledger.append("--- BEGIN");
    for (let i = 0; i < statements; i++)
      this.#change(this.#random() < 0.03 ? this.#clear() : this.#mutation());
    this.ledger.append("--- COMMIT");
  }

  #mutation(): { statement: string; meant: Meant } {
    const schema = this.#anySchema();
    const values = schema.fields.map((field) => this.#value(field.type));
    const key = schema.keyFields.map(
      (name) => values[schema.fields.findIndex((one) => one.name === name)] ?? null,
    );
    const meant = { table: nameOf(schema), key: key as KeyValue[] }; // no key field is null
    return this.#random() < 0.25
      ? { statement: deleteStatement(schema, key), meant: { kind: "delete", ...meant } }
      : { statement: upsertStatement(schema, values), meant: { kind: "upsert", ...meant } };
  }

  #clear(): { statement: string; meant: Meant } {
    const schema = this.#anySchema();
    const statement = clearTableStatement(schema.family, schema.table);
    return { statement, meant: { kind: "clear", table: nameOf(schema) } };
  }

  #anySchema(): TableSchema {
    const schema = this.#schemas[this.#below(this.#schemas.length)];
    if (schema === undefined) throw new CtlstoreError("internal", "Cannot choose a table: there is none");
    return schema;
  }

  /** Few of each kind, so that keys come again. */
  #value(type: string): SqlValue {
    const one = this.#below(KEYS);
    if (type === "integer") return [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n][one] ?? BigInt(one - 6);
    if (type === "decimal") return one + 0.5;
    if (type === "bytestring") return new Uint8Array([one, 0, 255].slice(0, one % 4));
    const text = TEXTS[one] ?? `k${one}`;
    return type === "text" ? `${text}${this.#below(1_000_000)}` : text;
  }

  #addField(): void {
    this.#added += 1;
    this.#changeSchema((schema, field) => ({
      statement: addFieldStatement(schema.family, schema.table, field),
      meant: { kind: "schema", table: nameOf(schema) },
    }));
  }

  /** As only somebody else would write it: every row has another value then. */
  #addFieldWithDefault(): void {
    this.#added += 1;
    this.#changeSchema((schema, field) => ({
      statement: `${addFieldStatement(schema.family, schema.table, field)} DEFAULT ${this.#below(100)}`,
      meant: { kind: "reload", table: nameOf(schema) },
    }));
  }

  #changeSchema(
    make: (schema: TableSchema, field: TableSchema["fields"][number]) => { statement: string; meant: Meant },
  ): void {
    const schema = this.#anySchema();
    const field = { name: parseFieldName(`f${this.#added}`), type: "integer" } as const;
    this.#change(make(schema, field));
    this.#schemas[this.#schemas.indexOf(schema)] = withAddedFields(schema, [field]);
  }

  #dropAndMakeAgain(): void {
    const schema = this.#anySchema();
    this.#schemas.splice(this.#schemas.indexOf(schema), 1);
    this.#alone(dropTableStatement(schema.family, schema.table), { kind: "drop", table: nameOf(schema) });
    this.create(schema);
  }

  #alone(statement: string, meant: Meant): void {
    this.#change({ statement, meant });
    this.#end();
  }

  #change({ statement, meant }: { statement: string; meant: Meant }): void {
    const sequence = this.ledger.append(statement);
    const id = changeText(0n, { ...meant, kind: meant.key === undefined ? meant.kind : "row" }, false);
    if (meant.kind === "clear") this.#forgetRowsOf(meant.table);
    this.#open.delete(id);
    this.#open.set(id, { sequence, meant });
  }

  #forgetRowsOf(table: string): void {
    for (const [id, { meant }] of this.#open) {
      if (meant.table === table && meant.key !== undefined) this.#open.delete(id);
    }
  }

  #end(): void {
    const changes = [...this.#open.values()];
    this.#open.clear();
    changes.forEach(({ sequence, meant }, i) => {
      this.expected.push({ sequence, text: changeText(sequence, meant, i === changes.length - 1) });
    });
  }
}

function nameOf({ family, table }: TableSchema): string {
  return `${family}/${table}`;
}
