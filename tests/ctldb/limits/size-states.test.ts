/** When a size is worth telling: once for each crossing, whatever happens near the limit. */
import { describe, expect, test } from "bun:test";
import type { SizeLimit } from "../../../ctldb/limits/contract.ts";
import { nextState, type SizeState, sizeState, type ToldState } from "../../../ctldb/limits/size-states.ts";

const LIMIT: SizeLimit = { warnBytes: 1_000n, maxBytes: 2_000n };

/** What is told of a table that takes these sizes one after the other. */
function toldOf(sizes: ReadonlyArray<readonly [bytes: number, limit?: SizeLimit | null]>): SizeState[] {
  let told: ToldState = { state: "ok", limit: null };
  return sizes.flatMap(([bytes, limit = LIMIT]) => {
    const state = nextState(told, BigInt(bytes), limit);
    const isNews = state !== told.state;
    told = { state, limit };
    return isNews ? [state] : [];
  });
}

describe("the state of a table's size", () => {
  test("is that of the limit which it is beyond, not of one that it just reaches", () => {
    const states = [0n, 1_000n, 1_001n, 2_000n, 2_001n].map((bytes) => sizeState(bytes, LIMIT));
    expect(states).toEqual(["ok", "ok", "warn", "warn", "full"]);
    expect(sizeState(10n ** 18n, null)).toBe("ok");
    expect(sizeState(5n, { warnBytes: 9n, maxBytes: 1n })).toBe("full");
  });

  test("is told once for each crossing, up and down", () => {
    expect(toldOf([[10], [1_500], [1_600], [2_500], [2_600], [1_500], [10], [5]])).toEqual([
      "warn",
      "full",
      "warn",
      "ok",
    ]);
    expect(toldOf([[2_500], [10], [2_500]])).toEqual(["full", "ok", "full"]);
  });

  test("is not told again when a table stays about its limit", () => {
    expect(toldOf([[1_001], [999], [1_001], [960], [1_001]])).toEqual(["warn"]);
    expect(toldOf([[2_001], [1_999], [1_901], [2_001]])).toEqual(["full"]);
    expect(toldOf([[2_001], [1_900], [2_001]])).toEqual(["full", "warn", "full"]);
    expect(toldOf([[1_001], [950], [1_001]])).toEqual(["warn", "ok", "warn"]);
  });

  test("follows a limit that was changed at once, and is a crossing again when the table grows beyond the new one", () => {
    const raised = { warnBytes: 1_010n, maxBytes: 3_000n };
    expect(toldOf([[1_001], [1_001, raised], [1_020, raised]])).toEqual(["warn", "ok", "warn"]);
    expect(toldOf([[2_500], [2_500, raised], [3_500, raised]])).toEqual(["full", "warn", "full"]);
    expect(toldOf([[500], [500, { warnBytes: 1n, maxBytes: 2n }], [500, null]])).toEqual(["full", "ok"]);
  });
});
