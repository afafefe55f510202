/** Each example is run as its README says, against real services: whoever copies one copies something that works. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleFolder } from "../reader/suite/sample-ldb.ts";
import { type InstalledReader, installReader, ROOT, runtimeBinary } from "../runtimes/reader-package.ts";
import { runProcess, startProcess, type TestProcess } from "../support/process.ts";
import { ctlstore, SERVICE_ADMIN_TOKEN } from "../support/services.ts";
import { isDeep } from "../support/suite.ts";
import { until } from "../support/until.ts";
import { goCommand } from "./go.ts";
import { type ExampleStack, startExampleStack } from "./stack.ts";

const START_LIMIT_MS = 120_000;
const FETCH_LIMIT_MS = 15 * 60_000;
const EXAMPLES = join(ROOT, "examples");
const python = Bun.which("python3");
const go = goCommand();
if (python === null) console.log("the Python example is not run: there is no python3");
if (go === null) console.log("the Go example is not run: there is no go; `npm run test:deep` fetches one");

let stack: ExampleStack;
let reader: InstalledReader;

beforeAll(async () => {
  [stack, reader] = await Promise.all([startExampleStack(), installReader()]);
  for (const name of ["bun", "node"]) {
    mkdirSync(reader.folder.file(name));
    cpSync(join(EXAMPLES, name), reader.folder.file(name), { recursive: true });
  }
}, START_LIMIT_MS);

afterAll(async () => {
  reader?.[Symbol.dispose]();
  await stack?.[Symbol.asyncDispose]();
});

/** What the examples that read once print, each in its own words. */
function expectPrices(output: string, sequence: string, shown: readonly string[]): void {
  for (const text of ["an apple in Europe: 120 cents", "9007199254740993", ...shown]) {
    expect(output).toContain(text);
  }
  const [, at = "0"] = /at sequence (\d+), [\d.]+ s old/.exec(output) ?? [];
  expect(BigInt(at)).toBeGreaterThanOrEqual(BigInt(sequence));
}

async function run(
  command: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  const exit = await runProcess(command, { cwd, env });
  expect(exit.code, exit.stdout + exit.stderr).toBe(0);
  return exit.stdout;
}

describe("the example for Bun", () => {
  test("has the types that the tables of examples/setup.sh have", async () => {
    const { scripts } = JSON.parse(readFileSync(join(EXAMPLES, "bun", "package.json"), "utf8"));
    const flags = scripts.codegen.split(" ").slice(1);
    const env = { CTLSTORE_EXECUTIVE: stack.executiveUrl, CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN };
    const output = await run([...ctlstore(...flags), "--check"], join(EXAMPLES, "bun"), env);
    expect(output).toBe("shop.ts is current\n");
  });

  test("compiles when it is given the reader package", async () => {
    const config = {
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: { typeRoots: [join(ROOT, "node_modules", "@types")] },
      include: ["*.ts"],
      exclude: [],
    };
    writeFileSync(reader.folder.file("bun", "tsconfig.json"), JSON.stringify(config));
    const compiler = join(ROOT, "node_modules", ".bin", "tsc");
    expect(await run([compiler, "-p", reader.folder.file("bun")], ROOT)).toBe("");
  });

  test("D17 serves each price as it is after a write, though it keeps its lists, and stops when it is asked to", async () => {
    await using service = startPrices(stack.ldbFolder);
    const prices = await pricesOf(service);
    expect((await prices("us"))["gold"]).toBe("9007199254740993");
    expect((await prices("us"))["cherry"]).toBeUndefined();
    for (const cents of ["7", "9007199254740995"]) {
      await stack.setPrice("us", "cherry", BigInt(cents));
      await until(async () => (await prices("us"))["cherry"] === cents, { what: `the price ${cents}` });
    }
    await expect(prices("mars")).rejects.toThrow("404");
    service.signal("SIGTERM");
    expect(await service.exited, service.stderr).toEqual({ code: 0, signal: null });
    expect(service.stderr).toBe("");
  });

  test("serves each price as it is when there is no changelog to follow: it says so, and keeps nothing", async () => {
    using folder = new SampleFolder(bunEnvironment);
    const ldb = folder.ldb();
    for (const table of TABLES) ldb.changeSchema(table);
    ldb.apply("INSERT INTO shop___regions (region) VALUES('eu')");
    await using service = startPrices(folder.path);
    const prices = await pricesOf(service);
    await service.waitForOutput(/nothing is kept[\s\S]*changelog_unavailable/);
    for (const cents of ["1", "2"]) {
      ldb.apply(`REPLACE INTO shop___prices (region, sku, cents) VALUES('eu', 'pear', ${cents})`);
      expect(await prices("eu")).toEqual({ pear: cents });
    }
  });
});

const TABLES = [
  'CREATE TABLE shop___regions ("region" VARCHAR(191), "name" VARCHAR(191), "currency" VARCHAR(191), PRIMARY KEY("region"))',
  'CREATE TABLE shop___prices ("region" VARCHAR(191), "sku" VARCHAR(191), "cents" INTEGER, "label" TEXT, PRIMARY KEY("region","sku"))',
];

function startPrices(ldbFolder: string): TestProcess {
  const env = { LDB: ldbFolder, PORT: "0" };
  return startProcess([process.execPath, "main.ts"], { cwd: reader.folder.file("bun"), env });
}

/** What the service says of a region: cents by what is sold. */
async function pricesOf(service: TestProcess): Promise<(region: string) => Promise<Record<string, string>>> {
  const [, url] = await service.waitForOutput(/prices on (\S+\/)prices\/eu/);
  return async (region) => {
    const answer = await fetch(`${url}prices/${region}`);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const list = (await answer.json()) as { prices: { sku: string; cents: string }[] };
    return Object.fromEntries(list.prices.map(({ sku, cents }) => [sku, cents]));
  };
}

test(
  "the example for Node sees the write whose sequence it is given",
  async () => {
    const node = await runtimeBinary("node24");
    const sequence = await stack.setPrice("eu", "plum", 7);
    const command = [node, "--no-warnings", "main.mjs", sequence];
    const output = await run(command, reader.folder.file("node"), { LDB: stack.ldbFolder });
    expectPrices(output, sequence, ["Europe: apple 120, pear 150, plum 7"]);
    expect(output).not.toContain("mars");
  },
  FETCH_LIMIT_MS,
);

describe.each(["tcp", "unix"] as const)("over %s", (way) => {
  test.skipIf(python === null)(
    "the example for Python sees the write whose sequence it is given",
    async () => {
      const sequence = await stack.setPrice("eu", "plum", 8);
      const command = [python ?? "", "-B", "main.py", stack.sidecar[way], sequence];
      const output = await run(command, join(EXAMPLES, "python"));
      expectPrices(output, sequence, [
        "plum: 8 (None)",
        "regions: ['Europe', None]",
        "asked again: not modified",
      ]);
    },
  );

  test.skipIf(python === null)(
    "the example for Python tells a missing row from a missing table",
    async () => {
      const program = `
from ctlstore_sidecar import Sidecar, SidecarError
with Sidecar("${stack.sidecar[way]}") as sidecar:
    print(sidecar.row("shop", "prices", "eu", "none"))
    for call in (lambda: sidecar.row("shop", "none", "a"), lambda: sidecar.row("shop", "prices", "eu", "apple", max_staleness=0),
                 lambda: sidecar.row("shop", "prices", 1, b"x"), lambda: sidecar.row("shop", "prices", "eu", "apple", min_sequence=10**15, timeout="1ms")):
        try:
            print(call())
        except SidecarError as error:
            print(error.status, error.code)
    print(sidecar.row("shop", "prices", "eu", "apple")["cents"])
`;
      const output = await run([python ?? "", "-B", "-c", program], join(EXAMPLES, "python"));
      expect(output.trim().split("\n")).toEqual([
        "None",
        "404 unknown_table",
        "503 too_stale",
        "422 invalid_key",
        "504 wait_timeout",
        "120",
      ]);
    },
  );

  test.skipIf(go === null)(
    "the example for Go sees the write whose sequence it is given",
    async () => {
      const { command, env } = go ?? { command: "", env: {} };
      const sequence = await stack.setPrice("eu", "plum", 9);
      const program = ["run", ".", stack.sidecar[way], sequence];
      const goEnv = { ...env, GOCACHE: join(ROOT, ".cache", "go-build") };
      const output = await run([command, ...program], join(EXAMPLES, "go"), goEnv);
      expectPrices(output, sequence, [
        "plum: 9 (<nil>)",
        "regions: Europe, map[]",
        "asked again: not modified",
      ]);
    },
    FETCH_LIMIT_MS,
  );
});

test.skipIf(go === null)(
  "the example for Go is formatted, and go vet finds nothing in it",
  async () => {
    const { command, env } = go ?? { command: "", env: {} };
    const folder = join(EXAMPLES, "go");
    const goEnv = { ...env, GOCACHE: join(ROOT, ".cache", "go-build") };
    expect(await run([join(command, "..", "gofmt"), "-l", "."], folder, goEnv)).toBe("");
    expect(await run([command, "vet", "."], folder, goEnv)).toBe("");
  },
  FETCH_LIMIT_MS,
);

test("the deep suite runs the example for Go wherever Debian's packages can be had", () => {
  const canFetch = process.arch === "x64" && existsSync("/usr/share/keyrings/debian-archive-keyring.gpg");
  if (isDeep && canFetch) expect(go).not.toBeNull();
});
