/** Opening an embedded ctldb that another process is just making. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { tempFolder } from "../support/temp-folder.ts";
import { open } from "./fixture.ts";

test("an embedded ctldb is opened, a moment later, when another process holds the whole new file", async () => {
  using folder = tempFolder("ctldb");
  const path = folder.file("ctl.db");
  const other = new Database(path, { create: true });
  // As whoever turns a new file's journal into a write-ahead log.
  other.run("BEGIN EXCLUSIVE");
  let isSettled = false;
  const opening = open(`sqlite:${path}`).finally(() => {
    isSettled = true;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const wasSettled = isSettled;
  other.run("COMMIT");
  other.close();
  await using ctldb = await opening;
  expect(wasSettled).toBe(false);
  expect((await ctldb.status()).headSequence).toBe(0n as never);
});
