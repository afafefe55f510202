/** What random histories have found, each as the smallest history that failed. */
import { describe, test } from "bun:test";
import { runHistory } from "./run-history.ts";
import type { Step } from "./steps.ts";
import { CTLDB_KINDS, openWorld } from "./world.ts";

const FOUND: ReadonlyArray<readonly [name: string, steps: readonly Step[]]> = [
  [
    "I2: a schema change is refused before it reaches the ledger when SQLite would refuse it",
    [
      { kind: "create-family", door: 0, family: 0 },
      {
        kind: "create-tables",
        door: 0,
        tables: [{ family: 0, table: "t_1", fields: [["a", "string"]], keyFields: ["a"] }],
      },
      { kind: "add-fields", door: 0, family: 0, table: "t_1", fields: [["rowid", "text"]] },
    ],
  ],
];

describe.each([...CTLDB_KINDS])("on %s", (kind) => {
  test.each([...FOUND])("%s", async (_name, steps) => {
    await using world = await openWorld(kind);
    await runHistory({ seed: 0, steps }, world, { replay: true });
  });
});
