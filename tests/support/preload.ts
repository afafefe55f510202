/**
 * Loaded before every test file: stray promise rejections fail the run, nothing outlives it, and no secret of the tests
 * is in what was said (R45).
 */
import { afterAll } from "bun:test";
import { runCleanups } from "./cleanup.ts";
import { leaks, watchBodiesAndMetrics } from "./leaks.ts";

process.on("unhandledRejection", (reason) => {
  throw reason;
});

watchBodiesAndMetrics();

afterAll(runCleanups);

afterAll(() => {
  if (leaks().length > 0) throw new Error(`secrets of the tests were told:\n${leaks().join("\n")}`);
});
