/**
 * Makes random histories: the same seed, the same history.
 *
 * A model follows along, so that most requests fit the state that they meet; the rest are wrong in one way each.
 */
import { FIELD_TYPES, type FieldType } from "../../core/field-types.ts";
import { CRASH_POINTS } from "../../ldb/crash-points.ts";
import { BatchGenerator, UNKNOWN_FAMILY } from "./generate-batches.ts";
import { Model, type ModelTable } from "./model.ts";
import { Random } from "./random.ts";
import type {
  Door,
  FieldShape,
  FollowLimits,
  History,
  RequestStep,
  SchemaStep,
  Step,
  TableShape,
} from "./steps.ts";

export interface HistoryOptions {
  /** Chance that a step kills a real Reflector process: each costs a quarter of a second. */
  readonly kills: number;
  /** Chance that the connections are cut while batches are being written; 0 where there are none. */
  readonly severs: number;
}

/** Schema changes are few and take several statements: they are cut this much more often than writes. */
const SCHEMA_SEVERS = 5;
const FAMILIES = 2;
export const WRITERS = 3;
const TABLE_NAMES = ["order", "select", "t_1", "a0a"] as const;
const FIELD_NAMES = [
  ...[
    "a",
    "b",
    "x",
    "z",
    "order",
    "group",
    "select",
    "key",
    "from",
    "where",
    "values",
    "index",
    "table",
    "null",
  ],
  ...[
    "rowid",
    "oid",
    "current_timestamp",
    "constructor",
    "prototype",
    "tostring",
    "length",
    "typeof",
    "default",
  ],
  ...["a_", "a__b", "x9", "id", "name", "primary", "interval", "f".repeat(64)],
] as const;
const KEY_TYPES: readonly FieldType[] = ["string", "integer", "bytestring"];

export function generateHistory(seed: number, options: HistoryOptions): History {
  return { seed, steps: new Generator(new Random(seed), options).run() };
}

class Generator {
  readonly #random: Random;
  readonly #options: HistoryOptions;
  readonly #model = new Model();
  readonly #batches: BatchGenerator;
  readonly #steps: Step[] = [];

  constructor(random: Random, options: HistoryOptions) {
    this.#random = random;
    this.#options = options;
    this.#batches = new BatchGenerator(random, this.#model);
  }

  run(): Step[] {
    const random = this.#random;
    this.#request({ kind: "create-family", door: this.#door(), family: 0 });
    if (random.chance(0.6)) this.#request({ kind: "create-family", door: this.#door(), family: 1 });
    this.#request({ kind: "create-tables", door: this.#door(), tables: this.#someTables() });
    const count = random.between(6, 24);
    for (let i = 0; i < count; i++) this.#add();
    return this.#steps;
  }

  #add(): void {
    const random = this.#random;
    const kind = random.weighted([
      [50, "write"],
      [22, "follow"],
      [9, "create-tables"],
      [7, "add-fields"],
      [5, "drop-table"],
      [4, "clear-rows"],
      [3, "create-family"],
      [2, "reopen"],
    ] as const);
    const door = this.#door();
    if (kind === "write") this.#request(this.#write(door));
    else if (kind === "follow") this.#steps.push(this.#follow());
    else if (kind === "reopen") this.#steps.push({ kind, door });
    else if (kind === "create-family") this.#request({ kind, door, family: random.below(FAMILIES) });
    else if (kind === "create-tables") this.#schemaChange({ kind, door, tables: this.#someTables() });
    else this.#schemaChange(this.#tableChange(kind, door));
  }

  #schemaChange(step: SchemaStep): void {
    const random = this.#random;
    this.#request(step);
    if (!random.chance(this.#options.severs * SCHEMA_SEVERS)) return;
    this.#steps[this.#steps.length - 1] = { kind: "severed", step, afterTurns: random.below(40) };
  }

  /** Adds a request and lets the model follow it. */
  #request(step: RequestStep): void {
    this.#steps.push(step);
    const verdicts =
      step.kind === "write"
        ? step.batches.map((batch) => this.#model.judgeBatch(batch))
        : [this.#model.judge(step)];
    for (const verdict of verdicts) if (verdict.ok) verdict.apply();
  }

  #door(): Door {
    return this.#random.chance(0.7) ? 0 : 1;
  }

  // Schema

  #someTables(): TableShape[] {
    const count = this.#random.chance(0.25) ? this.#random.between(2, 3) : 1;
    const tables: TableShape[] = [];
    for (let i = 0; i < count; i++) tables.push(this.#tableShape());
    return tables;
  }

  #tableShape(): TableShape {
    const random = this.#random;
    const names = random.shuffled(FIELD_NAMES);
    const fields = names.slice(0, random.between(1, 7)).map((name) => this.#field(name));
    const fitting = fields.filter(([, type]) => KEY_TYPES.includes(type));
    // Mostly a key that is possible, in another order than the fields.
    const candidates = fitting.length > 0 && random.chance(0.95) ? fitting : fields;
    const keyFields = random
      .shuffled(candidates)
      .slice(0, random.chance(0.02) ? 0 : random.between(1, 3))
      .map(([name]) => name);
    return { family: this.#family(), table: random.pick(TABLE_NAMES), fields, keyFields };
  }

  #field(name: string): FieldShape {
    return [name, this.#random.pick(FIELD_TYPES)];
  }

  #family(): number {
    return this.#random.chance(0.03) ? UNKNOWN_FAMILY : this.#random.chance(0.8) ? 0 : 1;
  }

  #tableChange(kind: "add-fields" | "drop-table" | "clear-rows", door: Door): SchemaStep {
    const random = this.#random;
    const target = this.#target() ?? { family: this.#family(), table: random.pick(TABLE_NAMES) };
    const { family, table } = random.chance(0.9)
      ? target
      : { family: this.#family(), table: random.pick(TABLE_NAMES) };
    switch (kind) {
      case "add-fields": {
        const taken = new Set(this.#model.table(family, table)?.fields.map(([name]) => name));
        const free = FIELD_NAMES.filter((name) => !taken.has(name) || random.chance(0.02));
        const names = random.shuffled(free).slice(0, random.between(1, 3));
        return { kind, door, family, table, fields: names.map((name) => this.#field(name)) };
      }
      case "drop-table":
        return { kind, door, family, table };
      case "clear-rows":
        return { kind, door, family, table: random.chance(0.3) ? null : table };
    }
  }

  #target(): ModelTable | undefined {
    const tables = [...this.#model.state.values()];
    return tables.length === 0 ? undefined : this.#random.pick(tables);
  }

  // Writes

  #write(door: Door): RequestStep {
    const random = this.#random;
    const writers = random.shuffled(Array.from({ length: WRITERS }, (_, writer) => writer));
    const together = random.chance(0.2) ? random.between(2, WRITERS) : 1;
    // Now and then all under one name: of those that check the cookie, one may win.
    const isRace = random.chance(0.3);
    const batches = writers
      .slice(0, together)
      .map((writer) => this.#batches.batch(isRace ? (writers[0] ?? writer) : writer));
    const severAfterTurns = random.chance(this.#options.severs) ? random.below(12) : null;
    return { kind: "write", door, batches, severAfterTurns };
  }

  // The LDB

  #follow(): Step {
    const random = this.#random;
    const limits: FollowLimits = {
      pollRows: random.pick([1, 2, 3, 7, 50, 1000]),
      sliceStatements: random.pick([1, 2, 5, 100]),
      transactionStatements: random.pick([1, 2, 10, 1000]),
    };
    if (random.chance(this.#options.kills))
      return { kind: "kill-reflector", limits, point: random.pick(CRASH_POINTS), hits: random.between(1, 6) };
    if (random.chance(0.25)) return { kind: "reflect", limits };
    return { kind: "follow", limits, slices: random.chance(0.7) ? random.between(0, 12) : null };
  }
}
