/** Statements on the ctldb's own tables beside the ledger: while one waits for a row, nobody who reads waits for it (R34). */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { createConnection } from "mysql2/promise";
import { sharedMariadb } from "../support/mariadb.ts";
import { until } from "../support/until.ts";
import { openFilled, SECRET, WRITER } from "./fixture.ts";
import { mysqlQuery } from "./mysql-target.ts";

setDefaultTimeout(60_000);

const WAITING =
  "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE CONCAT('UPDATE mutators SET', ' secret%')";

test("R34 reads are answered while a secret cannot be salted, since its writer's row is locked", async () => {
  const url = await (await sharedMariadb()).createDatabase();
  await using ctldb = await openFilled(url);
  const digest = createHash("sha256").update(SECRET).digest("hex");
  await mysqlQuery(url, `UPDATE mutators SET secret = '${digest}', clock = 0`);
  const other = await createConnection({ uri: url });
  try {
    await other.query("BEGIN");
    await other.query("UPDATE mutators SET clock = 1");
    // The first use of the secret has it salted, which waits for the row.
    await ctldb.readCookie(WRITER, SECRET);
    await until(async () => Number((await mysqlQuery(url, WAITING))[0]?.[0]) === 1, { what: "the wait" });
    await ctldb.status();
    await ctldb.readCookie(WRITER, SECRET);
    expect(Number((await mysqlQuery(url, WAITING))[0]?.[0])).toBe(1);
    await other.query("ROLLBACK");
  } finally {
    other.destroy();
  }
  await until(async () => (await ctldb.writers.find(WRITER)).secretForm === "salted", {
    what: "the salted form",
  });
});
