/** `ctlstore loader check` on its command line: what it prints and its exit codes, on Bun and, for Kafka, on Node. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { runCommandLine } from "../../cli/run.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { mappingJsonSchema } from "../../loader/mapping/json-schema.ts";
import { type RunningExecutive, startExecutive } from "../../server/executive.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../server/test-app.ts";
import { hasKafka, startKafka } from "../support/kafka/cluster.ts";
import { loaderCommand } from "../support/loader/loader-command.ts";
import { runProcess } from "../support/process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { fakeContext } from "./fake-context.ts";

let app: TestApp;
let executive: RunningExecutive;
let folder: TempFolder;
beforeAll(async () => {
  folder = tempFolder("check");
  app = await openTestApp();
  executive = await startExecutive(
    { ...app.deps, metrics: createMetrics() },
    { bind: "127.0.0.1:0", adminToken: ADMIN_TOKEN, destructiveSchemaChanges: false },
  );
});
afterAll(async () => {
  await executive.stop();
  await app[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function check(...args: readonly string[]) {
  const context = fakeContext();
  const code = await runCommandLine(["loader", "check", ...args], context, {
    commands: ALL_COMMANDS,
    groups: GROUPS,
  });
  return { code, out: context.outLines.join("\n"), notes: context.noteLines.join("\n") };
}

function fileWith(name: string, content: string): string {
  writeFileSync(folder.file(name), content);
  return folder.file(name);
}

function mapping(name: string, table: object): string {
  const tables = [{ topic: "shop.store.counter", family: "shop", table: "counter", ...table }];
  return fileWith(name, JSON.stringify({ version: 1, tables }));
}

const live = () => ["--executive", executive.url, "--admin-token", `@${fileWith("token", ADMIN_TOKEN)}`];

describe("loader check", () => {
  test("prints tables and fields, and exits 0 when all fits", async () => {
    const path = mapping("fits.json", { fields: { label: "Name" } });
    const { code, out, notes } = await check("--mapping", path, ...live());
    expect({ code, notes }).toEqual({ code: 0, notes: "" });
    expect(out.split("\n")).toEqual([
      "tables[0]: shop.store.counter -> shop/counter, which exists, key id",
      "  FIELD  TYPE     FROM",
      '  id     integer  column "id", if the event has it',
      '  label  string   column "Name"',
      "  other columns go to the field of the same name, and are refused where the table has none",
      "",
      "ok",
    ]);
  });

  test("prints every problem, and exits 1 when there is one", async () => {
    const path = mapping("misfit.json", { fields: { colour: "c" }, key: ["label"] });
    const { code, out, notes } = await check("--mapping", path, ...live());
    expect({ code, notes }).toEqual({ code: 1, notes: `ctlstore: the mapping ${path} has problems` });
    expect(out).toContain("  problem: tables[0].key is label; the key of shop/counter is id");
    expect(out).toContain("  problem: tables[0].fields.colour is no field of table shop/counter");
    expect(out).not.toContain("\nok");
  });

  test("prints JSON when it is asked for", async () => {
    const path = mapping("json.json", {});
    const { code, out } = await check("--mapping", path, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ ok: true, tables: [{ state: "unknown", table: "counter" }] });
  });

  test("prints what becomes of a sample, and exits 1 when a line is refused", async () => {
    const path = mapping("sample.json", {});
    const line = (id: unknown) => JSON.stringify({ key: { id }, value: { id, label: "a" } });
    const sample = fileWith("sample.jsonl", `${line(7)}\r\n${line("x")}\n`);
    const { code, out } = await check("--mapping", path, "--sample", sample, ...live());
    expect(code).toBe(1);
    expect(out).toContain('line 1, shop.store.counter: update\n  upsert shop/counter {"id":7,"label":"a"}');
    expect(out).toContain('line 2, shop.store.counter: refused: Cannot load "x" into field "id"');
  });

  test("prints the JSON schema without anything else", async () => {
    const { code, out } = await check("--print-schema");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(mappingJsonSchema())));
  });

  test.each<[string, () => string[], string]>([
    ["no mapping is given", () => [], "--mapping"],
    ["the mapping cannot be read", () => ["--mapping", folder.file("none.json")], "--mapping"],
    [
      "the sample cannot be read",
      () => ["--mapping", mapping("m.json", {}), "--sample", folder.path],
      "--sample",
    ],
    [
      "the token is missing",
      () => ["--mapping", mapping("m.json", {}), "--executive", executive.url],
      "--admin-token",
    ],
    ["the URL is none", () => ["--mapping", mapping("m.json", {}), "--executive", "here"], "--executive"],
  ])("exits 2 and names the flag when %s", async (_, args, flag) => {
    const { code, notes } = await check(...args());
    expect(code).toBe(2);
    expect(notes).toContain(flag);
  });

  test("exits 1 with the reason when the Executive is away or refuses", async () => {
    const path = mapping("m.json", {});
    const refused = await check(
      "--mapping",
      path,
      "--executive",
      executive.url,
      "--admin-token",
      "s3cr3t-wrong",
    );
    expect(refused.code).toBe(1);
    expect(refused.notes).toContain("[bad_credentials]");
    const away = await check("--mapping", path, "--executive", "http://127.0.0.1:1", "--admin-token", "t");
    expect(away.code).toBe(1);
    expect(away.notes).toContain("[ctldb_unavailable]");
  });
});

describe.skipIf(!hasKafka)("loader check on Node", () => {
  test("I12 looks at topics, lanes and a sample when brokers are given", async () => {
    await using kafka = await startKafka();
    await kafka.createTopic("shop.store.counter", 3);
    const line = '{"key": {"id": 9007199254740993}, "value": {"id": 9007199254740993, "label": "I12"}}';
    const more = ["--sample", fileWith("exact.jsonl", line), "--brokers", kafka.brokers];
    const run = async (path: string) =>
      runProcess(await loaderCommand(["loader", "check", "--mapping", path, ...live(), ...more]));
    const found = await run(mapping("fits.json", { lane: "partition" }));
    expect([found.code, found.stderr]).toEqual([0, ""]);
    expect(found.stdout).toMatch(/^shop\.store\.counter +3$/m);
    expect(found.stdout).toMatch(
      /^shop\.store\.counter:2 +loader:shop\.store\.counter:2 +1 +at most \d+ bytes$/m,
    );
    expect(found.stdout).toContain('upsert shop/counter {"id":"9007199254740993","label":"I12"}');
    const missing = await run(mapping("missing.json", { topic: "elsewhere" }));
    expect(missing.code).toBe(1);
    expect(missing.stdout).toContain("problem: topic elsewhere is not in Kafka");
  });
});
