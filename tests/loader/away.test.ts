/** How long the loader waits for what is away. */
import { describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../core/errors.ts";
import { LANE_LIMITS } from "../../core/limits.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import { isAway, waitMsAfter } from "../../loader/away.ts";

const backoff = () => createBackoff({ baseMs: 100, maxMs: 1_000 }, () => 0);
const busy = (retryAfterSeconds?: number) =>
  new CtlstoreError("overloaded", "busy", retryAfterSeconds === undefined ? {} : { retryAfterSeconds });

describe("the wait after a failure", () => {
  test("grows by itself, and is as long as was told", () => {
    const growing = backoff();
    expect([waitMsAfter(busy(), growing), waitMsAfter(busy(), growing)]).toEqual([50, 100]);
    expect(waitMsAfter(busy(7), backoff())).toBe(7_000);
  });

  test("is bounded whatever was told: a timer takes no endless time, and would go off at once", () => {
    expect(waitMsAfter(busy(1e12), backoff())).toBe(LANE_LIMITS.longestWaitMs);
  });

  test("is for what passes by itself only", () => {
    expect(isAway(busy())).toBe(true);
    expect([isAway(new CtlstoreError("bad_credentials", "no")), isAway(new Error("no"))]).toEqual([
      false,
      false,
    ]);
  });
});
