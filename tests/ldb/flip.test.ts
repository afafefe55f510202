/** Generations replace one another under reading processes, and no read fails (B16, I5, I10, R17). */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { OldGenerations } from "../../ldb/old-generations.ts";
import { startProcess } from "../support/process.ts";
import { runsOf, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { DEPS, fillDatabase, generationsIn } from "./generation-world.ts";
import { startHotReaders } from "./hot-readers.ts";

const WRITER = join(import.meta.dir, "steady-writer.ts");

describe("a generation that takes the place of another", () => {
  for (const layout of ["a generation", "a plain ldb.db"] as const) {
    test(
      `R17 lets no read fail when ${layout} is replaced, again and again, under processes that read all the time`,
      async () => {
        using folder = tempFolder();
        if (layout === "a plain ldb.db") fillDatabase(folder.file("ldb.db"), 1, "1");
        await using writer = startProcess([process.execPath, WRITER, folder.path]);
        await writer.waitForOutput(/ready/);
        await using readers = await startHotReaders(runsOf({ quick: 4, deep: 16 }), folder.path);
        const flips = layout === "a plain ldb.db" ? 1 : runsOf({ quick: 5, deep: 50 });
        let flippedAt = 0;
        for (let flip = 1; flip <= flips; flip++) {
          writer.signal("SIGUSR1");
          const [, sequence] = await writer.waitForOutput(new RegExp(`flipped ${flip} (\\d+)`));
          flippedAt = Number(sequence);
        }
        // All have followed once the replaced ones are let go of.
        const old = new OldGenerations(folder.path, DEPS);
        await until(
          () => {
            old.sweep();
            return old.kept === 0;
          },
          { what: "the readers to have followed" },
        );
        expect(generationsIn(folder.path)).toHaveLength(1);
        for (const report of await readers.stop()) {
          expect(report.failure).toBeNull();
          expect(report.sequence).toBeGreaterThanOrEqual(flippedAt);
          expect(report.reads).toBeGreaterThan(100);
        }
      },
      timeoutMsOf({ quick: 30_000, deep: 180_000 }),
    );
  }
});
