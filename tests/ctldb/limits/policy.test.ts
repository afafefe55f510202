/** Overrides of limits as they stand in the ctldb, whatever somebody wrote there. */
import { describe, expect, test } from "bun:test";
import { NO_LIMIT } from "../../../core/rates.ts";
import { UNLIMITED } from "../../../ctldb/limits/limits.ts";
import { Policy } from "../../../ctldb/limits/policy.ts";
import type { SystemRow } from "../../../ctldb/store.ts";

const DEFAULTS = {
  ...UNLIMITED,
  writer: { rows: 5n, bytes: 500n },
  fleet: { rows: 50n, bytes: null },
  table: { warnBytes: 10n, maxBytes: 20n },
};

const writer = (name: string, rows: string, bytes: string | null = null): SystemRow => [
  name,
  null,
  null,
  rows,
  bytes,
];
const table = (family: string, name: string, warn: string, max: string): SystemRow => [
  null,
  family,
  name,
  warn,
  max,
];
const policy = (...rows: SystemRow[]) => new Policy(rows, DEFAULTS);
const counts = { family: "fam" as never, table: "counts" as never };

describe("a policy", () => {
  test("is the Executive's defaults when there is no override", () => {
    const { fleet, fleetOverride, writers, tables } = policy();
    expect({ fleet, fleetOverride, writers, tables }).toEqual({
      fleet: DEFAULTS.fleet,
      fleetOverride: null,
      writers: [],
      tables: [],
    });
    expect(policy().rateOf("anyone")).toEqual(DEFAULTS.writer);
    expect(policy().tableLimit(counts)).toEqual(DEFAULTS.table);
  });

  test("has an override as a whole: what it does not say is not limited", () => {
    const overridden = policy(writer("ann", "7"), writer("*", String(NO_LIMIT), "9"));
    expect(overridden.rateOf("ann")).toEqual({ rows: 7n, bytes: null });
    expect(overridden.fleet).toEqual({ rows: null, bytes: 9n });
    expect(overridden.writers).toEqual([{ writer: "ann", rate: { rows: 7n, bytes: null } }]);
  });

  test("takes a name for itself and the fleet's star for no pattern when a pattern would fit too", () => {
    const overridden = policy(
      writer("*", "1"),
      writer("ann*", "2"),
      writer("ann", "3"),
      writer("annabel*", "4"),
    );
    const rows = (name: string) => overridden.rateOf(name).rows;
    expect(["bob", "ann", "anne", "annabel", "annabella", "Ann", "ann*"].map(rows)).toEqual([
      5n,
      3n,
      2n,
      4n,
      4n,
      5n,
      2n,
    ]);
  });

  test("lets nothing pass when a limit is negative or no number", () => {
    const broken = policy(
      writer("ann", "-1"),
      writer("bob", "many"),
      writer("cat", "1", "-9"),
      table("fam", "counts", "x", "-1"),
    );
    expect(["ann", "bob"].map((name) => broken.rateOf(name).rows)).toEqual([0n, 0n]);
    expect(broken.rateOf("cat")).toEqual({ rows: 1n, bytes: 0n });
    expect(broken.tableLimit(counts)).toEqual({ warnBytes: 0n, maxBytes: 0n });
  });

  test("D13 has a table's limit whatever the case of its name, and the one in lower case where there are two", () => {
    const lower = table("fam", "counts", "1", "2");
    const upper = table("FAM", "Counts", "3", "4");
    expect(policy(upper).tableLimit(counts)).toEqual({ warnBytes: 3n, maxBytes: 4n });
    for (const rows of [
      [upper, lower],
      [lower, upper],
    ]) {
      expect(policy(...rows).tableLimit(counts)).toEqual({ warnBytes: 1n, maxBytes: 2n });
      expect(policy(...rows).tables).toHaveLength(1);
    }
  });
});
