/**
 * The reader's suite as a program for Node and Deno: bundled, with the built package beside it in node_modules.
 *
 * Arguments: path of the original's LDB. Prints one line per test and, last, one line of JSON with the counts.
 */
import { createRequire } from "node:module";
import { defineReaderSuite } from "../reader/suite/all.ts";
import type { WritableDatabase } from "../reader/suite/environment.ts";

/** The package as its users get it. Its name stands in a variable so that it is not bundled. */
const PACKAGE: string = "ctlstore-reader";
const { openReader, openCheckedReader, waitForCheckedReader } = (await import(
  PACKAGE
)) as typeof import("../../reader/index.ts");

type OpenDatabase = new (path: string) => WritableDatabase;

function findDatabase(): OpenDatabase {
  const native = process.getBuiltinModule?.("node:sqlite") as { DatabaseSync: OpenDatabase } | undefined;
  if (native !== undefined) return native.DatabaseSync;
  return createRequire(import.meta.url)("better-sqlite3") as OpenDatabase;
}

const Database = findDatabase();
const tests: { name: string; run: () => void | Promise<void> }[] = [];
const originalLdbGzPath = process.argv[2] ?? "";

defineReaderSuite({
  test: (name, run) => void tests.push({ name, run }),
  openReader,
  openCheckedReader,
  waitForCheckedReader,
  openWritable: (path) => new Database(path),
  originalLdbGzPath,
});

let failed = 0;
for (const { name, run } of tests) {
  try {
    await run();
    console.log(`ok - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED - ${name}\n${error instanceof Error ? error.stack : String(error)}`);
  }
}
console.log(JSON.stringify({ runtime: process.version, passed: tests.length - failed, failed }));
process.exitCode = failed === 0 ? 0 : 1;
