/** The operator's commands against running services, as scripts use them: JSON out, exit codes, rows through stdin. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openReader } from "../../reader/index.ts";
import { runProcess } from "../support/process.ts";
import {
  ctlstore,
  SERVICE_ADMIN_TOKEN,
  startExecutiveService,
  startReflectorService,
} from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("I12 D10 an operator creates, writes, reads and looks after an LDB with commands alone", async () => {
  using folder = tempFolder();
  const ctldb = `sqlite:${folder.file("ctldb.db")}`;
  const ldb = folder.file("ldb");
  const executive = await startExecutiveService(ctldb);
  await using _executive = executive.process;
  const reflector = await startReflectorService(ctldb, ldb);
  await using _reflector = reflector.process;
  const env = {
    CTLSTORE_EXECUTIVE: executive.url,
    CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN,
    CTLSTORE_LDB: ldb,
    CTLSTORE_WRITER: "clerk",
    CTLSTORE_SECRET: "s3cr3t-clerk",
  };
  const run = async (args: string[], input = "") => {
    const { code, stdout, stderr } = await runProcess(ctlstore(...args), { env, input });
    return { code, out: stdout.trim(), err: stderr };
  };
  const json = async (args: string[], input?: string) => {
    const { code, out, err } = await run([...args, "--json"], input);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return JSON.parse(out);
  };

  expect(await json(["create-family", "shop"])).toEqual({ family: "shop" });
  await json([
    "create-table",
    "shop/prices",
    "--field",
    "id:integer",
    "--field",
    "price:decimal",
    "--key",
    "id",
  ]);
  await json(["add-fields", "shop/prices", "--field", "note:text", "--field", "mark:binary"]);
  await json(["register-writer", "clerk"]);
  const rows = ['{"id":9007199254740993,"price":0.1,"mark":"AP8="}', '{"id":-1,"note":"é"}', ""].join("\n");
  const { sequence } = await json(["mutate", "shop/prices", "-", "--cookie", "one"], rows);
  expect((await json(["read-seq", String(sequence)])).sequence).toBe(sequence);
  expect(await json(["read", "shop/prices"])).toContainEqual(
    expect.objectContaining({ id: "9007199254740993" }),
  );
  expect(await json(["read", "shop/prices", "9007199254740993"])).toEqual({
    id: "9007199254740993",
    price: 0.1,
    note: null,
    mark: "AP8=",
  });
  expect((await json(["schema", "shop/prices"]))[0].keyFields).toEqual(["id"]);

  const conflict = await run([
    "mutate",
    "shop/prices",
    '{"id":1}',
    "--check-cookie",
    "two",
    "--cookie",
    "three",
  ]);
  expect(conflict.code).toBe(1);
  expect(conflict.err).toContain("[cookie_conflict]");
  const object = await run(["mutate", "shop/prices", '{"id":{}}']);
  expect(object.code).toBe(1);
  expect(object.err).toContain("[invalid_value]");
  const unasked = await run(["drop-table", "shop/prices"]);
  expect(unasked.code).toBe(2);
  expect(unasked.err).toContain("--yes");
  const drop = await run(["drop-table", "shop/prices", "--yes"]);
  expect(drop.code).toBe(1);
  expect(drop.err).toContain("--destructive-schema-changes");

  const deleted = await json(["mutate", "shop/prices", '{"id":"-1"}', "--delete"]);
  await json(["read-seq", String(deleted.sequence)]);
  expect(await run(["read", "shop/prices", "-1"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("no row"),
  });
  const status = await json(["status", "--ldb", ldb]);
  expect(status.ldb).toMatchObject({ sequence: deleted.sequence, behind: 0 });

  const skip = ["ldb", "skip", "4711", "--reason", "a test"];
  const locked = await run(skip);
  expect(locked.code).toBe(1);
  expect(locked.err).toContain("[ldb_locked]");
  await reflector.process.kill();
  expect((await run(skip)).code).toBe(0);
  expect((await json(["ldb", "status"])).skips).toMatchObject([{ sequence: 4711, reason: "a test" }]);
  // The file is as good as its folder wherever something is only read.
  expect(await json(["ldb", "status", "--ldb", join(ldb, "ldb.db")])).toMatchObject({
    kind: "generation",
    skips: [{ sequence: 4711 }],
  });
  const skipInFile = await run([...skip, "--ldb", join(ldb, "ldb.db")]);
  expect(skipInFile.code).toBe(1);
  expect(skipInFile.err).toContain("[ldb_not_found]");
  using reader = openReader({ path: ldb, integers: "bigint" });
  expect(reader.getRowByKey("shop", "prices", 9007199254740993n)).toMatchObject({ price: 0.1 });
}, 60_000);
