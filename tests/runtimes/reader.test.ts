/** The built reader package passes the reader's suite on every runtime but Bun, and its types stand alone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "../support/process.ts";
import { type InstalledReader, installReader, linkAddon, ROOT, runtimeBinary } from "./reader-package.ts";

/** A runtime that is not there yet is fetched, and better-sqlite3 built from source. */
const FETCH_LIMIT_MS = 15 * 60_000;
const SUITE_LIMIT_MS = 120_000;

interface RuntimeCase {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly addon?: string;
}

const RUNTIMES: readonly RuntimeCase[] = [
  { name: "node24", arguments: ["--no-warnings"] },
  { name: "node22", arguments: ["--no-warnings"] },
  { name: "node20", arguments: [], addon: "better-sqlite3" },
  { name: "deno", arguments: ["run", "--allow-all", "--no-lock", "--quiet", "--node-modules-dir=manual"] },
];

let reader: InstalledReader;

beforeAll(async () => {
  reader = await installReader();
}, SUITE_LIMIT_MS);

afterAll(() => reader[Symbol.dispose]());

describe("reader package", () => {
  for (const runtime of RUNTIMES) {
    test(
      `passes the reader's suite when it runs on ${runtime.name}`,
      async () => {
        const binary = await runtimeBinary(runtime.name);
        if (runtime.addon !== undefined) linkAddon(reader, binary, runtime.addon);
        const original = join(ROOT, "tests", "interchange", "fixtures", "original-ldb.db.gz");
        const exit = await runProcess([binary, ...runtime.arguments, reader.program, original], {
          cwd: reader.folder.path,
        });
        const report = exit.stdout.trim().split("\n");
        const failures = exit.stdout.slice(Math.max(0, exit.stdout.indexOf("FAILED")));
        expect(exit.code, `${failures}\n${exit.stderr}`).toBe(0);
        const counts = JSON.parse(report.at(-1) ?? "{}") as { passed: number; failed: number };
        expect(counts.failed).toBe(0);
        expect(counts.passed).toBeGreaterThanOrEqual(40);
      },
      FETCH_LIMIT_MS,
    );
  }

  test(
    "has types that stand alone when a strict program is compiled against them",
    async () => {
      const folder = reader.folder.file("consumer");
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "consumer.ts"), CONSUMER);
      const config = {
        compilerOptions: {
          target: "ES2022",
          lib: ["ES2022", "DOM"],
          module: "NodeNext",
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          types: [],
        },
        files: ["consumer.ts"],
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
      const exit = await runProcess([join(ROOT, "node_modules", ".bin", "tsc"), "-p", folder]);
      expect(exit.stdout).toBe("");
      expect(exit.code).toBe(0);
    },
    SUITE_LIMIT_MS,
  );

  test(
    "can be published as it is when npm packs it: no dependency, no source, licence and README",
    async () => {
      const folder = reader.folder.file("node_modules", "ctlstore-reader");
      const exit = await runProcess(["npm", "pack", "--dry-run", "--json"], { cwd: folder });
      expect(exit.code, exit.stderr).toBe(0);
      const [packed] = JSON.parse(exit.stdout) as [{ name: string; files: { path: string }[] }];
      const paths = packed.files.map(({ path }) => path);
      for (const path of ["README.md", "LICENSE", "bun.js", "node.js", "types/reader/index.d.ts"]) {
        expect(paths).toContain(path);
      }
      expect(paths.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      expect(manifest.dependencies).toBeUndefined();
      expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(["better-sqlite3"]);
    },
    SUITE_LIMIT_MS,
  );

  test("reads on Bun by its bun condition when it is imported by name", async () => {
    const script = `import { openReader } from "ctlstore-reader";
      try { openReader({ path: "nowhere" }); } catch (error) { console.log(error.code); }
      console.log(import.meta.resolve("ctlstore-reader"));`;
    writeFileSync(reader.folder.file("on-bun.mjs"), script);
    const exit = await runProcess([process.execPath, reader.folder.file("on-bun.mjs")]);
    expect(exit.stdout).toContain("ldb_not_found");
    expect(exit.stdout).toContain("ctlstore-reader/bun.js");
  });
});

const CONSUMER = `
import {
  type ChangeEvent, CtlstoreError, openReader, type ErrorCode, type InvalidationReason, type LdbReader, type Row,
} from "ctlstore-reader";

interface Setting extends Row {
  name: string;
  value: number;
}

export function read(path: string): number | null {
  const reader: LdbReader = openReader({ path, integers: "number" });
  try {
    const setting = reader.getRowByKey<Setting>("family", "settings", "name", 1n, new Uint8Array(2));
    const all: (Row | null)[] = reader.getRows("family", "settings", ["a", ["b", 1]]);
    for (const row of reader.getRowsByKeyPrefix("family", "settings")) console.log(row["name"], all.length);
    const sequence: bigint = reader.snapshot((reads) => reads.getLastSequence());
    void reader.waitFor(sequence, { timeoutMs: 5 });
    return setting?.value ?? null;
  } catch (error) {
    const code: ErrorCode | null = error instanceof CtlstoreError ? error.code : null;
    console.log(code);
    return null;
  } finally {
    reader.close();
  }
}

export async function follow(reader: LdbReader): Promise<string | null> {
  const changes = reader.changes({ family: "family", since: 7n, signal: new AbortController().signal });
  for await (const change of changes) {
    if (change.kind === "upsert") console.log(reader.getRowByKey(change.family, change.table, ...change.key));
    else if (change.kind === "invalidate") console.log(change.reason satisfies InvalidationReason);
    const event: ChangeEvent = change;
    if (event.last) console.log(event.cursor, event.sequence + 1n);
  }
  return changes.cursor;
}

// @ts-expect-error a path is needed
openReader({});
// @ts-expect-error no such kind of integers
openReader({ path: "x", integers: "float" });
`;
