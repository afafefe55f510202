/** The suite's environment on Bun. */
import { Database } from "bun:sqlite";
import { test } from "bun:test";
import { join } from "node:path";
import { openCheckedReader, openReader, waitForCheckedReader } from "../../reader/index.ts";
import type { SuiteEnvironment } from "./suite/environment.ts";

export const bunEnvironment: SuiteEnvironment = {
  test: (name, run) => void test(name, run),
  openReader,
  openCheckedReader,
  waitForCheckedReader,
  openWritable(path) {
    const database = new Database(path, { create: true });
    return { exec: (sql) => void database.exec(sql), close: () => database.close() };
  },
  originalLdbGzPath: join(import.meta.dir, "../interchange/fixtures/original-ldb.db.gz"),
};
