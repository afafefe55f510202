/** Loaded before every test file: stray promise rejections fail the run, and nothing outlives it. */
import { afterAll } from "bun:test";
import { runCleanups } from "./cleanup.ts";

process.on("unhandledRejection", (reason) => {
  throw reason;
});

afterAll(runCleanups);
