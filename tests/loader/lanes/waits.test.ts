/** What a lane waits for, and what is the event's own fault. */
import { expect, test } from "bun:test";
import { CtlstoreError, type ErrorCode } from "../../../core/errors.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import type { RetryReason } from "../../../loader/lanes/lane-meter.ts";
import { retryReasonOf, Waits } from "../../../loader/lanes/waits.ts";

test("R35 a lane waits for room, in a full table and in a schema at its bounds, until there is some", async () => {
  for (const code of ["table_full", "schema_too_large"] satisfies ErrorCode[]) {
    const retries: RetryReason[] = [];
    const clock = { ...systemClock, sleep: async () => {} };
    const deps = {
      clock,
      logger: silentLogger,
      random: () => 0,
      onRetry: (reason: RetryReason) => retries.push(reason),
    };
    let attempts = 0;
    const result = await new Waits(deps, null).untilDone(new AbortController().signal, async () => {
      attempts += 1;
      if (attempts <= 3) throw new CtlstoreError(code, "no room");
      return "done";
    });
    expect([result, retries]).toEqual(["done", ["table-full", "table-full", "table-full"]]);
  }
});

test("a lane does not wait for what cannot get better", () => {
  for (const code of ["invalid_schema", "invalid_value", "too_many_mutations"] satisfies ErrorCode[])
    expect(retryReasonOf(new CtlstoreError(code, "no"))).toBeNull();
});
