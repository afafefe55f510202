/** Makes random batches for the tables that a model has: most of them right, the rest wrong in one way each. */
import { keyOf, type Model, type ModelTable } from "./model.ts";
import type { Random } from "./random.ts";
import type { SentBatch, SentMutation, SentValue } from "./steps.ts";
import { cellToJson } from "./value-model.ts";
import { fittingValue, unfittingValue } from "./values.ts";

/** Never created. */
export const UNKNOWN_FAMILY = 9;

const BATCH_FAULTS = [
  ...(["mutation", "mutation", "mutation", "mutation", "mutation", "mutation", "mutation"] as const),
  ...(["cookie", "cookie", "wrong-secret", "unknown-writer", "unknown-family", "too-many"] as const),
];

export class BatchGenerator {
  readonly #random: Random;
  readonly #model: Model;

  constructor(random: Random, model: Model) {
    this.#random = random;
    this.#model = model;
  }

  batch(writer: number): SentBatch {
    const random = this.#random;
    const fault = random.chance(0.22) ? random.pick(BATCH_FAULTS) : null;
    const tables = [...this.#model.state.values()];
    const target = tables.length === 0 ? null : random.pick(tables);
    const family = fault === "unknown-family" ? UNKNOWN_FAMILY : (target?.family ?? 0);
    const mutations = this.#mutations(family);
    const at = random.below(Math.max(1, mutations.length));
    const chosen = mutations[at];
    if (fault === "mutation" && chosen !== undefined) mutations[at] = this.#spoiled(chosen, family);
    if (fault === "too-many" && chosen !== undefined) while (mutations.length <= 100) mutations.push(chosen);
    return {
      writer,
      credentials: fault === "wrong-secret" || fault === "unknown-writer" ? fault : "right",
      family,
      mutations,
      cookie: random.chance(0.5) ? this.#cookie() : null,
      checkCookie: fault === "cookie" ? "wrong" : random.chance(0.5) ? "right" : "none",
    };
  }

  #cookie(): string {
    const random = this.#random;
    const bytes = random.bytes(random.chance(0.02) ? 1024 : random.below(20));
    return Buffer.from(bytes).toString("base64");
  }

  #mutations(family: number): SentMutation[] {
    const random = this.#random;
    const tables = [...this.#model.state.values()].filter((table) => table.family === family);
    if (tables.length === 0) return [];
    const count = random.weighted([
      [3, () => 0],
      [37, () => 1],
      [45, () => random.between(2, 8)],
      [13, () => random.between(9, 40)],
      [2, () => 100],
    ])();
    return Array.from({ length: count }, () => this.#mutation(random.pick(tables)));
  }

  #mutation(table: ModelTable): SentMutation {
    const random = this.#random;
    const isDelete = random.chance(0.25);
    const known = new Map<string, string>();
    const rows = [...table.rows.values()];
    if (rows.length > 0 && random.chance(0.5)) {
      const key = keyOf(table, random.pick(rows));
      for (const [i, name] of table.keyFields.entries()) known.set(name, cellToJson(key[i] ?? null));
    }
    const values: SentValue[] = [];
    for (const [name, type] of table.fields) {
      const isKey = table.keyFields.includes(name);
      if (!isKey && random.chance(isDelete ? 0.95 : 0.2)) continue;
      const json = !isKey && random.chance(0.1) ? "null" : (known.get(name) ?? fittingValue(random, type));
      values.push([random.chance(0.05) ? name.toUpperCase() : name, json]);
    }
    return { table: table.table, isDelete, values: random.shuffled(values) };
  }

  /** The mutation, made wrong in one way. */
  #spoiled(mutation: SentMutation, family: number): SentMutation {
    const random = this.#random;
    const table = this.#model.table(family, mutation.table);
    const field = table === undefined ? undefined : random.pick(table.fields);
    if (table === undefined || field === undefined) return mutation;
    const [name, type] = field;
    const others = mutation.values.filter(([sent]) => sent.toLowerCase() !== name);
    switch (random.pick(["table", "field", "value", "value", "value", "value", "key", "null-key"] as const)) {
      case "table":
        return { ...mutation, table: "nowhere" };
      case "field":
        return { ...mutation, values: [...mutation.values, ["nofield", "1"]] };
      case "value":
        return { ...mutation, isDelete: false, values: [...others, [name, unfittingValue(random, type)]] };
      case "key": {
        const key = random.pick(table.keyFields);
        return { ...mutation, values: mutation.values.filter(([sent]) => sent.toLowerCase() !== key) };
      }
      case "null-key": {
        const key = random.pick(table.keyFields);
        const rest = mutation.values.filter(([sent]) => sent.toLowerCase() !== key);
        return { ...mutation, values: [[key, "null"], ...rest] };
      }
    }
  }
}
