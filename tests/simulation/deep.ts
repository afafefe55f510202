/**
 * All random histories: `bun tests/simulation/deep.ts [sqlite|mariadb]`; without a name, both.
 *
 * CTLSTORE_TEST_SEED is the first history's seed, CTLSTORE_TEST_HISTORIES their number on each ctldb (10,000 unless
 * told). Progress and failures go to standard error; the last line is "N passed, N failed".
 */
import { runCleanups } from "../support/cleanup.ts";
import { suiteSeed } from "../support/suite.ts";
import { runCampaign } from "./campaign.ts";
import { CTLDB_KINDS, type CtlDbKind } from "./world.ts";

const DEFAULT_HISTORIES = 10_000;
const PROGRESS_MS = 10_000;

const wanted = process.argv[2];
const kinds = CTLDB_KINDS.filter((kind) => wanted === undefined || wanted === kind);
const histories = Number(process.env["CTLSTORE_TEST_HISTORIES"] ?? DEFAULT_HISTORIES);
if (kinds.length === 0 || !Number.isSafeInteger(histories)) {
  console.error("usage: deep.ts [sqlite|mariadb], CTLSTORE_TEST_HISTORIES an integer");
  process.exit(2);
}

const seed = suiteSeed();
const total = { passed: 0, failed: 0 };
for (const kind of kinds) {
  const { passed, failures } = await runCampaign({ kind, seed, histories, onProgress: progressOf(kind) });
  for (const failure of failures) console.error(failure);
  total.passed += passed;
  total.failed += failures.length;
}
runCleanups();
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

function progressOf(kind: CtlDbKind) {
  const startMs = performance.now();
  let shownMs = startMs;
  return ({ run, failed }: { readonly run: number; readonly failed: number }) => {
    const nowMs = performance.now();
    if (nowMs - shownMs < PROGRESS_MS && run < histories) return;
    shownMs = nowMs;
    const rate = ((run * 1000) / (nowMs - startMs)).toFixed(1);
    console.error(`${kind}: ${run} of ${histories} histories, ${failed} failed, ${rate}/s`);
  };
}
