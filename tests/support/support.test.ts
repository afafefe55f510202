/** The tests' own tools: a tool that lies makes every test that stands on it worthless. */
import { expect, test } from "bun:test";
import { createConnection } from "mysql2/promise";
import { startMariadb } from "./mariadb.ts";

test("a private MariaDB keeps committed rows when it is killed and started again", async () => {
  await using server = await startMariadb();
  const url = await server.createDatabase();
  const first = await createConnection(url);
  first.on("error", () => {});
  await first.query("CREATE TABLE t (a INT PRIMARY KEY)");
  await first.query("INSERT INTO t VALUES (1)");
  await server.kill();
  await server.restart();
  const second = await createConnection(url);
  const [rows] = await second.query("SELECT a FROM t");
  expect(rows as unknown).toEqual([{ a: 1 }]);
  await second.end();
});
