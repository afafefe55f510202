/** How large the batches of a lane are, by what the Executive took and refused. */
import { describe, expect, test } from "bun:test";
import { LANE_LIMITS } from "../../../core/limits.ts";
import { BatchLimits } from "../../../loader/lanes/units/batch-limits.ts";

const MIB = 1024 * 1024;

function limits(): BatchLimits {
  return new BatchLimits({ rows: 100, bytes: MIB, keepRepeats: false });
}

function work(of: BatchLimits, batches: number = LANE_LIMITS.widenAfterBatches): void {
  for (let i = 0; i < batches; i++) of.worked();
}

describe("the limits of a lane's batches", () => {
  test("stay as they are while batches take effect", () => {
    const one = limits();
    work(one, 1_000);
    expect([one.rows, one.bytes]).toEqual([100, MIB]);
  });

  test("are smaller when the Executive refuses a batch, and no smaller than a row", () => {
    const one = limits();
    one.tooMany(100);
    expect(one.rows).toBe(50);
    for (let i = 0; i < 20; i++) one.tooMany(one.rows);
    expect(one.rows).toBe(1);
    for (let i = 0; i < 40; i++) one.tooLarge();
    expect(one.bytes).toBe(LANE_LIMITS.leastBatchBytes);
  });

  test("are as large as before, and no larger, when a limit of rates was low for a while (R34)", () => {
    const one = limits();
    for (let i = 0; i < 20; i++) one.tooMany(one.rows);
    for (let i = 0; i < 5; i++) one.tooLarge();
    work(one, LANE_LIMITS.widenAfterBatches - 1);
    expect(one.rows).toBe(1);
    one.worked();
    expect(one.rows).toBe(2);
    for (let i = 0; i < 10; i++) work(one);
    expect([one.rows, one.bytes]).toEqual([100, MIB]);
  });

  test("try more again only after a while when the limit stays", () => {
    const one = limits();
    one.tooMany(100);
    work(one, LANE_LIMITS.widenAfterBatches - 1);
    one.tooMany(50);
    work(one, LANE_LIMITS.widenAfterBatches - 1);
    expect(one.rows).toBe(25);
  });
});
