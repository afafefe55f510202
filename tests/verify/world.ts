/** A ctldb of either kind with an LDB that a Reflector keeps, and hands that change each behind its back. */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { parseExactJson } from "../../core/exact-json.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openLedgerSource, openRowSource } from "../../ctldb/open.ts";
import type { TableReport, VerifyReport } from "../../verify/report.ts";
import { type VerifyOptions, verifyLdb } from "../../verify/verify-ldb.ts";
import { ALL_TYPES, COUNTS, DEPS, openFilled, remove, request, upsert } from "../ctldb/fixture.ts";
import { mysqlScript } from "../ctldb/mysql-target.ts";
import { reflect } from "../reflector/harness.ts";
import { Random } from "../simulation/random.ts";
import { fittingValue } from "../simulation/values.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { hasMysql9, sharedMysql9 } from "../support/mysql9.ts";
import { isDeep } from "../support/suite.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

export interface Kind {
  readonly name: string;
  createDatabase(folder: TempFolder): Promise<string>;
}

export const MARIADB: Kind = {
  name: "MariaDB",
  createDatabase: async () => (await sharedMariadb()).createDatabase(),
};
export const SQLITE: Kind = {
  name: "SQLite",
  createDatabase: async (folder) => `sqlite:${folder.file("ctldb.db")}`,
};
export const KINDS: readonly Kind[] = [MARIADB, SQLITE];

/** With Oracle's MySQL in the deep suite. */
export const ALL_KINDS: readonly Kind[] = [
  ...KINDS,
  ...(isDeep && hasMysql9
    ? [{ name: "MySQL 9.7", createDatabase: async () => (await sharedMysql9()).createDatabase() }]
    : []),
];

export interface World extends AsyncDisposable {
  readonly url: string;
  readonly ctldb: CtlDb;
  readonly ldbFolder: string;
  /** Lets the LDB catch up. */
  reflect(): Promise<void>;
  verify(options?: Partial<VerifyOptions>): Promise<VerifyReport>;
  changeLdb(...statements: readonly string[]): void;
  changeCtlDb(...statements: readonly string[]): Promise<void>;
}

/** Changes a SQLite file as somebody with a shell would. */
export function changeFile(path: string, statements: readonly string[]): void {
  const db = new Database(path, { readwrite: true });
  try {
    db.run("PRAGMA busy_timeout = 5000");
    for (const sql of statements) db.run(sql);
  } finally {
    db.close();
  }
}

/** Compares an LDB's folder with a ctldb, without waiting for anything unless told to. */
export async function verify(
  url: string,
  ldbFolder: string,
  options: Partial<VerifyOptions> = {},
): Promise<VerifyReport> {
  await using source = openRowSource(url);
  const deps = { source, clock: systemClock, logger: silentLogger };
  return await verifyLdb(deps, { timeoutSeconds: 0, pauseMs: 10, ...options, ldbFolder });
}

/** With `ALL_TYPES`, `COUNTS` and their writer; nothing is in the LDB yet. */
export async function makeWorld(kind: Kind): Promise<World> {
  const folder = tempFolder("verify");
  const url = await kind.createDatabase(folder);
  const ctldb = await openFilled(url);
  const ldbFolder = folder.file("ldb");
  return {
    url,
    ctldb,
    ldbFolder,
    async reflect() {
      const { headSequence } = await ctldb.status();
      await using source = openLedgerSource(url, DEPS);
      await using reflector = await reflect(source, ldbFolder);
      await reflector.applies(headSequence);
    },
    verify: (options) => verify(url, ldbFolder, options),
    changeLdb: (...statements) => changeFile(join(ldbFolder, "ldb.db"), statements),
    async changeCtlDb(...statements) {
      if (url.startsWith("sqlite:")) changeFile(url.slice("sqlite:".length), statements);
      else
        await mysqlScript(url, ["SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", ...statements]);
    },
    async [Symbol.asyncDispose]() {
      await ctldb[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Batches of upserts and deletes in `ALL_TYPES`, over the whole range of every type. */
export async function writeRandomRows(ctldb: CtlDb, seed: number, batches: number): Promise<void> {
  const random = new Random(seed);
  for (let batch = 0; batch < batches; batch++) {
    const mutations = Array.from({ length: random.between(1, 50) }, () => {
      const values: Record<string, unknown> = {};
      for (const { name, type } of ALL_TYPES.fields) {
        const isKey = ALL_TYPES.keyFields.includes(name);
        if (isKey || !random.chance(0.15)) values[name] = parseExactJson(fittingValue(random, type));
      }
      // mysql2 reads these wrongly when they come as DOUBLE; every seventeenth number of this range is one.
      if (random.chance(0.3)) values["d"] = 9 + random.below(1_000_000) / 1_000_003;
      return random.chance(0.15) ? remove(ALL_TYPES.table, values) : upsert(ALL_TYPES.table, values);
    });
    await ctldb.write(request(mutations));
  }
}

export function reportOf(report: VerifyReport, table: string): TableReport {
  const found = report.tables.find((one) => one.table === table);
  if (found === undefined) throw new Error(`nothing is said about ${table}`);
  return found;
}

/** `family/table` and status of every table that is not equal. */
export function unequal(report: VerifyReport): Record<string, string> {
  const others = report.tables.filter(({ status }) => status !== "equal");
  return Object.fromEntries(others.map(({ family, table, status }) => [`${family}/${table}`, status]));
}

/** The differences of a table as short texts: `missing k1=a k2=1`, `different k1=a k2=1: t`. */
export function shown({ differences }: TableReport): string[] {
  return (differences?.shown ?? []).map(({ kind, key, fields }) => {
    const names = [...key].map(([name, cell]) => `${name}=${String(cell)}`).join(" ");
    return `${kind} ${names}${fields.length > 0 ? `: ${fields.join(",")}` : ""}`;
  });
}

export { ALL_TYPES, COUNTS };
