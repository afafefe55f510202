/**
 * Which key a table had when: one that was dropped and made again may have another since, and then an entry from before is
 * about none of today's keys (D16).
 *
 * The audit trail tells, by its index on what an action was done to. Of tables that the original made, or that were made
 * longer ago than the trail goes back, nothing is known: they are taken to have had today's key, where their statements fit it.
 */
import type { TableSchema } from "../../core/schema.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { keyOf } from "../keys.ts";
import type { LedgerStore, SystemCell } from "../store.ts";

/** The newest times that the table was made; nobody makes one more often and still asks for what was before. */
const MOST = 100;

export type KeyThen = "todays" | "another" | "unknown";

interface Made {
  readonly sequence: bigint;
  /** Names and types of the key's fields, as one text. */
  readonly key: string | null;
}

export class TableKeys {
  readonly #today: string;
  /** The newest first. */
  readonly #made: readonly Made[];

  private constructor(today: string, made: readonly Made[]) {
    this.#today = today;
    this.#made = made;
  }

  /** @throws CtlstoreError `ctldb_unavailable` */
  static async read(schema: TableSchema, store: Pick<LedgerStore, "query">): Promise<TableKeys> {
    const target = textLiteral(`${schema.family}/${schema.table}`);
    const rows = await store.query(
      `SELECT seq, detail FROM ctlstore_audit WHERE target = ${target} AND action = 'table.create' AND seq IS NOT NULL
       ORDER BY id DESC LIMIT ${MOST}`,
    );
    const made = rows.map(([sequence, detail]) => ({
      sequence: BigInt(String(sequence)),
      key: keyOfDetail(detail ?? null),
    }));
    return new TableKeys(keyText(keyOf(schema).map(({ name, type }) => [name, type])), made);
  }

  /** The key that the table had then. */
  at(sequence: bigint): KeyThen {
    const key = this.#made.find((each) => each.sequence <= sequence)?.key ?? null;
    if (key === null) return "unknown";
    return key === this.#today ? "todays" : "another";
  }
}

function keyText(fields: ReadonlyArray<readonly [name: string, type: string]>): string {
  return fields.map(([name, type]) => `${name} ${type}`).join(",");
}

/** Null of what is not as ctlstore writes it: somebody has been there by hand. */
function keyOfDetail(detail: SystemCell): string | null {
  try {
    const { fields, keyFields } = JSON.parse(String(detail)) as {
      fields: ReadonlyArray<readonly [string, string]>;
      keyFields: readonly string[];
    };
    const types = new Map(fields);
    return keyText(keyFields.map((name) => [name, types.get(name) ?? ""]));
  } catch {
    return null;
  }
}
