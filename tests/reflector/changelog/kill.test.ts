/**
 * D17 R11: a Reflector is killed at each point around a commit, again and again on the same LDB. The changelog must then be
 * byte for byte the one of a Reflector that was never killed, its history the first one.
 */
import { expect, test } from "bun:test";
import { CHANGELOG_CRASH_POINTS } from "../../../ldb/crash-points.ts";
import { startProcess } from "../../support/process.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { randomLedger } from "../random-ledger.ts";
import { changeLog } from "./harness.ts";
import { referenceLines } from "./reference.ts";

const STATEMENTS = 3_000;
const CHILD = new URL("../kill-child.ts", import.meta.url).pathname;
const OPTIONS = JSON.stringify({ changelog: { fileBytes: 16 * 1024, files: 1_000 } });
const POINTS = [...CHANGELOG_CRASH_POINTS, "after-commit", "mid-transaction"] as const;
const KILLS = runsOf({ quick: POINTS.length * 2, deep: 200 });

/** True when the child came to the end of the ledger. */
async function run(folder: string, seed: number, point: string, reachedBefore: number): Promise<boolean> {
  const args = [folder, String(seed), String(STATEMENTS), point, String(reachedBefore), OPTIONS];
  await using child = startProcess([process.execPath, CHILD, ...args]);
  const exit = await child.exited;
  if (exit.signal === "SIGKILL") return false;
  if (exit.code !== 0) throw new Error(`the Reflector failed instead of being killed:\n${child.stderr}`);
  return true;
}

test(
  `D17 R11 the changelog is what it would have been when a Reflector is killed ${KILLS} times at points around a commit`,
  async () => {
    const random = seededRandom(suiteSeed());
    let kills = 0;
    while (kills < KILLS) {
      using folder = tempFolder("changelog-kill");
      const seed = Math.floor(random() * 2 ** 31);
      for (let complete = false; !complete; ) {
        const point = kills < KILLS ? (POINTS[kills % POINTS.length] ?? "none") : "none";
        complete = await run(
          folder.path,
          seed,
          point,
          Math.floor(random() * (point === "mid-rotation" ? 3 : 12)),
        );
        if (!complete) kills += 1;
      }
      const found = changeLog(folder.path);
      const what = `ledger seed ${seed}, kill ${kills}`;
      expect([what, new Set(found.histories).size]).toEqual([what, 1]);
      expect([what, found.files]).toEqual([what, found.files.map((_, i) => i + 1)]);
      expect(found.files.length).toBeGreaterThan(5);
      const expected = referenceLines(randomLedger(seed, STATEMENTS).entries);
      expect({ what, lines: found.lines }).toEqual({ what, lines: [...expected] });
    }
    expect(kills).toBeGreaterThanOrEqual(KILLS);
  },
  60_000 + KILLS * 2_000,
);
