/**
 * Literals as MySQL reads them: what `core/sql/literals.ts` writes comes back to the byte, under the session settings of
 * the adapter (tests/core/literals.test.ts is the same for SQLite).
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { CTLDB_TIMEOUTS } from "../../core/limits.ts";
import { ledgerLiteral, mysqlLiteral } from "../../core/sql/literals.ts";
import type { SqlValue } from "../../core/values.ts";
import { MysqlSession } from "../../ctldb/mysql/session.ts";
import { canonicalCell } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import type { MysqlServer } from "../support/mysql-server.ts";
import { hasMysql9, sharedMysql9 } from "../support/mysql9.ts";
import { isDeep, suiteSeed } from "../support/suite.ts";

setDefaultTimeout(30_000);

const text = fc.oneof(
  fc.string({ unit: "binary" }).filter((each) => each.isWellFormed()),
  fc
    .array(fc.constantFrom("'", "\\", "\u0000", ";", "--", "/*", "😀", "x'", "\n", '"', "%", "?"), {
      maxLength: 12,
    })
    .map((each) => each.join("")),
);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => (each === 0 ? 0 : each));
const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

interface Columns {
  readonly s: string;
  readonly i: bigint;
  readonly d: number;
  readonly b: Uint8Array;
}

const row: fc.Arbitrary<Columns> = fc.record({
  s: text,
  i: integer,
  d: finite,
  b: fc.uint8Array({ maxLength: 40 }),
});

async function comesBack(server: MysqlServer): Promise<void> {
  const url = new URL(await server.createDatabase());
  await using session = await MysqlSession.connect({ url, timeouts: CTLDB_TIMEOUTS });
  const { collation } = session.server;
  await session.execute(
    `CREATE TABLE t (n INT PRIMARY KEY, s MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE ${collation}, i BIGINT, d DOUBLE, b BLOB)`,
    "create a table",
  );
  const rows = fc.sample(row, { seed: suiteSeed(), numRuns: 500 });
  const values = rows.map(
    ({ s, i, d, b }, n) => `(${n},${[s, i, d, b].map((each) => mysqlLiteral(each)).join(",")})`,
  );
  await session.execute(`INSERT INTO t VALUES ${values.join(",")}`, "insert");
  // The double as text: mysql2 reads some of sixteen digits with the last one wrong.
  const found = await session.select("SELECT HEX(s), i, CAST(d AS CHAR), b FROM t ORDER BY n", "read back");
  for (const [n, { s, i, d, b }] of rows.entries()) {
    const [hex, integerText, double, bytes] = found[n] ?? [];
    const cells: SqlValue[] = [
      Buffer.from(String(hex), "hex").toString("utf8"),
      BigInt(String(integerText)),
      Number(double),
      bytes as Buffer,
    ];
    expect(cells.map(canonicalCell)).toEqual([s, i, d, b].map(canonicalCell));
  }
  // Found again by the literal alone, also those with NUL.
  for (const { s } of rows.slice(0, 60)) {
    const same = new Set(rows.flatMap((each, n) => (each.s === s ? [n] : [])));
    const hits = await session.select(`SELECT n FROM t WHERE s = ${ledgerLiteral(s)}`, "find");
    expect(new Set(hits.map(([n]) => Number(n)))).toEqual(same);
  }
}

describe("literals", () => {
  test("D4 D5 I8 are read back by MariaDB as what they stand for", async () =>
    comesBack(await sharedMariadb()));

  test.if(isDeep && hasMysql9)("D4 D5 I8 are read back by MySQL 9.7 as what they stand for", async () =>
    comesBack(await sharedMysql9()),
  );
});
