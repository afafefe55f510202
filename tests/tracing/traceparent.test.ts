/** W3C Trace Context: what is a `traceparent`, and what is as good as none. */
import { describe, expect, test } from "bun:test";
import {
  formatTraceparent,
  parseTraceparent,
  TRACEPARENT_CHARS,
} from "../../core/process/tracing/traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a traceparent", () => {
  test("tells trace, span and whether it is sampled, and is written as it was read", () => {
    for (const [flags, isSampled] of [
      ["01", true],
      ["00", false],
    ] as const) {
      const text = `00-${TRACE}-${SPAN}-${flags}`;
      const context = { traceId: TRACE, spanId: SPAN, isSampled };
      expect(parseTraceparent(text)).toEqual(context);
      expect(formatTraceparent(context)).toBe(text);
      expect(text.length).toBe(TRACEPARENT_CHARS);
    }
  });

  test("is read by its four fields when it is of a later version, and by the flag that is known", () => {
    for (const text of [
      `01-${TRACE}-${SPAN}-03`,
      `cc-${TRACE}-${SPAN}-ff-what-comes`,
      `01-${TRACE}-${SPAN}-01-`,
    ])
      expect(parseTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)?.isSampled).toBe(false);
  });

  test("is none when it is anything else", () => {
    const others = [
      undefined,
      null,
      "",
      "x",
      `00-${TRACE}-${SPAN}`,
      `00-${TRACE}-${SPAN}-1`,
      `00-${TRACE}-${SPAN}-01-more`,
      `00-${TRACE}-${SPAN}-01 `,
      ` 00-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01\n`,
      `cc-${TRACE}-${SPAN}-01-\u263a`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${"0".repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `00_${TRACE}_${SPAN}_01`,
    ];
    expect(others.filter((text) => parseTraceparent(text) !== null)).toEqual([]);
  });
});
