/** No value of an event leaves the loader but as one that the Executive takes, or as a refusal; on every runtime (R33). */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { FieldType } from "../../../core/field-types.ts";
import { checkValue } from "../../../core/values.ts";
import { runtimeBinary } from "../../runtimes/reader-package.ts";
import { runProcess } from "../../support/process.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { forEverySlot } from "./every-slot.ts";
import { field } from "./support.ts";

const FORMS: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  integer: (value) => typeof value === "bigint",
  decimal: (value) => typeof value === "number" && Number.isFinite(value),
  string: (value) => typeof value === "string",
  text: (value) => typeof value === "string",
  binary: (value) => value instanceof Uint8Array,
  bytestring: (value) => value instanceof Uint8Array,
};

describe("R33: any value in any column", () => {
  test("becomes a value that the Executive takes as it is, or is refused with its field", () => {
    let accepted = 0;
    forEverySlot((outcome, slot) => {
      if (typeof outcome === "string" && outcome.startsWith("refused: ")) return;
      accepted += 1;
      if (outcome === null) return;
      if (!FORMS[slot.to](outcome)) throw new Error(`${String(outcome)} in ${JSON.stringify(slot.to)}`);
      if (checkValue(field(slot.to), outcome, true) !== outcome) throw new Error("is changed by the check");
    });
    expect(accepted).toBeGreaterThan(1_000);
  });

  test("has the same outcome on each runtime of the loader", async () => {
    using folder = tempFolder("values-on-node");
    const program = folder.file("program.mjs");
    const bundle = await Bun.build({
      entrypoints: [join(import.meta.dir, "every-slot-program.ts")],
      target: "node",
      format: "esm",
      throw: false,
    });
    if (!bundle.success) throw new Error(bundle.logs.map(String).join("\n"));
    await Bun.write(program, (await bundle.outputs[0]?.text()) ?? "");
    const here = await runProcess([process.execPath, program]);
    expect(here.stdout).toMatch(/^\d+ accepted, \d+ refused, [0-9a-f]{64}\n$/);
    for (const name of ["node20", "node22", "node24"]) {
      const there = await runProcess([await runtimeBinary(name), program]);
      expect({ name, out: there.stdout, error: there.stderr }).toEqual({ name, out: here.stdout, error: "" });
    }
  });
});
