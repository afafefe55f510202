/** Flags of the Executive about limits, and what becomes of them. */
import { describe, expect, test } from "bun:test";
import { LIMIT_OPTIONS, limitDefaultsOf } from "../../cli/limit-options.ts";
import { resolveOptions } from "../../cli/options.ts";
import { NO_LIMIT } from "../../core/rates.ts";

const MIB = 1024n * 1024n;

function defaultsOf(
  flags: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
) {
  const given = Object.fromEntries(Object.entries(flags).map(([flag, text]) => [flag, [text]]));
  return limitDefaultsOf(resolveOptions(LIMIT_OPTIONS, given, environment));
}

describe("the Executive's limits", () => {
  test("are the original's when no flag says otherwise", () => {
    expect(defaultsOf({})).toEqual({
      writer: { rows: 1000n, bytes: null },
      fleet: { rows: null, bytes: null },
      table: { warnBytes: 50n * MIB, maxBytes: 100n * MIB },
      tablesPerFamily: 500,
      fieldsPerTable: 200,
    });
  });

  test("are those of the flags and the environment when they are given", () => {
    const flags = {
      "writer-rows-per-minute": "0",
      "writer-bytes-per-minute": "64MiB",
      "fleet-rows-per-minute": "7",
    };
    const { writer, fleet } = defaultsOf(flags, { CTLSTORE_FLEET_BYTES_PER_MINUTE: "1024" });
    expect({ writer, fleet }).toEqual({
      writer: { rows: 0n, bytes: 64n * MIB },
      fleet: { rows: 7n, bytes: 1024n },
    });
  });

  test.each([
    [{ "table-warn-size": "none", "table-max-size": "none" }, null],
    [{ "table-warn-size": "none" }, { warnBytes: 100n * MIB, maxBytes: 100n * MIB }],
    [{ "table-max-size": "none" }, { warnBytes: 50n * MIB, maxBytes: NO_LIMIT }],
    [{ "table-max-size": "10MiB" }, { warnBytes: 10n * MIB, maxBytes: 10n * MIB }],
    [
      { "table-warn-size": "1KiB", "table-max-size": "1GiB" },
      { warnBytes: 1024n, maxBytes: 1024n * MIB },
    ],
  ])("of tables warn no later than they refuse when they are %j", (flags, expected) => {
    expect(defaultsOf(flags).table).toEqual(expected);
  });

  test.each([
    ["writer-rows-per-minute", "-1", "none"],
    ["writer-rows-per-minute", "1.5", "none"],
    ["writer-rows-per-minute", String(2n ** 63n), "none"],
    ["fleet-bytes-per-minute", "5MB", "MiB"],
    ["table-max-size", "", "MiB"],
    // The first that a BIGINT cannot hold.
    ["table-max-size", "8388608TiB", "less than"],
    ["tables-per-family", "0", "whole number"],
    ["fields-per-table", "201", "200"],
    ["table-size-interval-ms", "1", "100"],
  ])("are refused, with what is needed, when --%s is %p", (flag, text, needed) => {
    expect(() => defaultsOf({ [flag]: text })).toThrow(needed);
  });

  test("R45 never repeat what a webhook's URL has in it when it is wrong", () => {
    const wrong = () => resolveOptions(LIMIT_OPTIONS, { webhook: ["ftp://hooks/T0P-S3CR3T"] }, {});
    expect(wrong).toThrow("--webhook");
    expect(wrong).not.toThrow("T0P-S3CR3T");
  });
});
