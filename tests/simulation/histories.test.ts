/** A sample of the random histories; the whole is `deep.ts`. */
import { describe, expect, test } from "bun:test";
import { suiteSeed } from "../support/suite.ts";
import { runCampaign } from "./campaign.ts";
import { CTLDB_KINDS, type CtlDbKind } from "./world.ts";

/** About fifteen seconds each on two cores. */
const HISTORIES: Readonly<Record<CtlDbKind, number>> = { sqlite: 120, mariadb: 40 };
const TIMEOUT_MS = 240_000;

describe.each([...CTLDB_KINDS])("random histories on %s", (kind) => {
  test(
    "I1 I3 I4 I6 I8 I10 I12 I14, R50: model, ctldb and LDB are equal by the byte when requests fail and processes crash",
    async () => {
      const histories = HISTORIES[kind];
      const result = await runCampaign({ kind, seed: suiteSeed(), histories });
      expect(result.failures.join("\n\n")).toBe("");
      expect(result.passed).toBe(histories);
    },
    TIMEOUT_MS,
  );
});
