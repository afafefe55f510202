/**
 * What the reader's suite needs from the runtime it runs on.
 *
 * The suite is written once. Bun runs it under `bun test` (`tests/reader/suite.test.ts`); Node and Deno run it bundled,
 * against the built package (`tests/runtimes/`).
 */
import type { openCheckedReader, waitForCheckedReader } from "../../../reader/index.ts";
import type { LdbReader, ReaderOptions } from "../../../reader/types.ts";

/** A database opened for writing: what a Reflector would be, in miniature. */
export interface WritableDatabase {
  exec(sql: string): void;
  close(): void;
}

export interface SuiteEnvironment {
  test(name: string, run: () => void | Promise<void>): void;
  openReader(options: ReaderOptions): LdbReader;
  readonly openCheckedReader: typeof openCheckedReader;
  readonly waitForCheckedReader: typeof waitForCheckedReader;
  openWritable(path: string): WritableDatabase;
  /** The LDB that the original made, gzipped. */
  readonly originalLdbGzPath: string;
}
