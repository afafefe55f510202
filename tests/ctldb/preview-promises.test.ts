/**
 * A preview promises what then happens: random changes of tables are previewed and made, and both must agree, on whether the
 * change is possible, on why not, and on the statements (R38).
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { isCtlstoreError } from "../../core/errors.ts";
import { FIELD_TYPES } from "../../core/field-types.ts";
import { parseFamilyName, parseFieldName, parseTableName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import type { ProposedChange } from "../../ctldb/preview/contract.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { hasMysql9, sharedMysql9 } from "../support/mysql9.ts";
import { isDeep, runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { expectConsistent, open, statementsAfter } from "./fixture.ts";

setDefaultTimeout(timeoutMsOf({ quick: 60_000, deep: 600_000 }));

const folder = tempFolder("promises");
afterAll(() => folder[Symbol.dispose]());

const FAMILIES = ["one", "two", "none"].map(parseFamilyName);
const TABLES = ["aaa", "bbb", "ccc", "ddd"].map(parseTableName);
/** With names that SQLite, or InnoDB, keeps for itself. */
const FIELDS = ["id", "n", "order", "rowid", "oid", "db_row_id", "db_trx_id", "x1", "x2", "x3"].map(
  parseFieldName,
);
const LEAST_KEPT = 3;
const BOUNDS = { tablesPerFamily: 3, fieldsPerTable: 5 };

class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  of<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error("nothing to choose from");
    return choice;
  }

  /** Different ones, in any order. */
  some<T>(choices: readonly T[], most: number): T[] {
    const left = [...choices];
    return Array.from({ length: 1 + this.below(most) }, () => left.splice(this.below(left.length), 1)).flat();
  }
}

function randomFields(chance: Chance, most: number): FieldSchema[] {
  return chance.some(FIELDS, most).map((name) => ({ name, type: chance.of(FIELD_TYPES) }));
}

function randomTable(chance: Chance): TableSchema {
  const [key, ...more] = randomFields(chance, 7);
  const name = key?.name ?? parseFieldName("id");
  const fields: FieldSchema[] = [{ name, type: chance.of(["string", "integer", "bytestring"]) }, ...more];
  return { family: chance.of(FAMILIES), table: chance.of(TABLES), fields, keyFields: [name] };
}

function randomChange(chance: Chance): ProposedChange {
  const [family, table] = [chance.of(FAMILIES), chance.of(TABLES)];
  switch (chance.below(8)) {
    case 0:
      return { kind: "create-family", family: chance.of(FAMILIES.slice(0, 2)) };
    case 1:
    case 2:
    case 3:
      return {
        kind: "create",
        tables: Array.from({ length: 1 + chance.below(3) }, () => randomTable(chance)),
      };
    case 4:
    case 5:
      return { kind: "add-fields", family, table, fields: randomFields(chance, 4) };
    case 6:
      return { kind: "drop", family, table };
    default:
      return { kind: "clear", family, table: chance.below(2) === 0 ? null : table };
  }
}

/** Null when it was made; otherwise why it was not. */
async function make(ctldb: CtlDb, change: ProposedChange): Promise<string | null> {
  try {
    switch (change.kind) {
      case "create-family":
        await ctldb.createFamily(change.family);
        break;
      case "create":
        await ctldb.createTables(change.tables);
        break;
      case "add-fields":
        await ctldb.addFields(change.family, change.table, change.fields);
        break;
      case "drop":
        await ctldb.dropTable(change.family, change.table);
        break;
      case "clear":
        await ctldb.clearRows(change.family, change.table);
    }
    return null;
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    return error.code;
  }
}

async function expectKept(url: string, ctldb: CtlDb, change: ProposedChange): Promise<boolean> {
  const before = await ctldb.status();
  const { conflicts, tables } = await ctldb.preview(change);
  expect(await ctldb.status()).toEqual(before);
  const refusal = await make(ctldb, change);
  const codes = conflicts.map(({ code }) => String(code));
  if (refusal !== null) {
    // A database tells of one table at a time, and before or after others: any of its reasons will do.
    expect(codes).toContain(refusal);
    expect(await ctldb.status()).toEqual(before);
    return false;
  }
  expect(codes).toEqual([]);
  const made = (await statementsAfter(url, before.headSequence)).filter((text) => !text.startsWith("---"));
  expect(tables.flatMap(({ ledgerStatements }) => ledgerStatements)).toEqual(made);
  return true;
}

const TARGETS: ReadonlyArray<readonly [name: string, createDatabase: () => Promise<string>, runs: number]> = [
  ["SQLite", async () => `sqlite:${folder.file("ctldb.db")}`, runsOf({ quick: 120, deep: 3_000 })],
  ["MariaDB", async () => (await sharedMariadb()).createDatabase(), runsOf({ quick: 30, deep: 600 })],
  ...(isDeep && hasMysql9
    ? ([["MySQL 9.7", async () => (await sharedMysql9()).createDatabase(), 300]] as const)
    : []),
];

describe("a preview of a random change", () => {
  for (const [name, createDatabase, runs] of TARGETS) {
    test(`R38 is kept on ${name}`, async () => {
      const seed = suiteSeed();
      const chance = new Chance(seed);
      const url = await createDatabase();
      await using ctldb = await open(url, { defaults: BOUNDS });
      let kept = 0;
      // Changes that were all refused, as they may be by chance, say little.
      const isEnough = (run: number) => run >= runs && (kept >= LEAST_KEPT || run >= 20 * runs);
      for (let run = 0; !isEnough(run); run++) {
        const change = randomChange(chance);
        try {
          if (await expectKept(url, ctldb, change)) kept += 1;
        } catch (error) {
          throw new Error(`seed ${seed}, change ${run}: ${JSON.stringify(change)}`, { cause: error });
        }
      }
      expect(kept).toBeWithin(LEAST_KEPT, runs * 0.95);
      await expectConsistent(url);
    });
  }
});
