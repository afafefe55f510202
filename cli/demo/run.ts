/** The demonstration: loads a public data set through the write API and reads it back from the LDB. */
import { createClient } from "../../client/index.ts";
import type { Clock } from "../../core/process/clock.ts";
import { openReader } from "../../reader/index.ts";
import type { LdbReader } from "../../reader/types.ts";
import { answerOf } from "../answer-of.ts";
import { keptSecret } from "../kept-secret.ts";
import { durationText } from "../print.ts";
import { type LoadResult, loadMimeRegistry } from "./load.ts";
import { MIME_EDITION } from "./mime-rows.ts";
import { createProgressView } from "./progress.ts";
import { measureReads, readTimesLine, sampleLines } from "./show.ts";

export interface DemoDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly out: (line: string) => void;
  readonly interactive: boolean;
  readonly signal: AbortSignal;
}

export interface DemoOptions {
  readonly executiveUrl: string;
  readonly adminToken: string;
  readonly ldbFolder: string;
  /** File that keeps the secret of the demonstration's writer. */
  readonly secretPath: string;
}

/** A first load catches up within milliseconds; this is for a machine under heavy load. */
const CATCH_UP_LIMIT_MS = 60_000;

/** @throws the signal's reason when aborted */
export async function runDemo(deps: DemoDeps, options: DemoOptions): Promise<void> {
  const { clock, out, signal } = deps;
  const startMs = clock.monotonicMs();
  const result = await load(deps, options);
  const loadedUs = (clock.monotonicMs() - startMs) * 1_000;
  out(loadLine(result, loadedUs));
  using reader = openReader({ path: options.ldbFolder });
  const sequence = result.sequence ?? (await headSequence(options));
  await reader.waitFor(sequence, { timeoutMs: CATCH_UP_LIMIT_MS, signal });
  const caughtUpUs = (clock.monotonicMs() - startMs) * 1_000 - loadedUs;
  out(
    `  the local database has it all at sequence ${sequence}, ${durationText(caughtUpUs)} after the last write`,
  );
  out("");
  for (const line of sampleLines(reader)) out(`  ${line}`);
  out("");
  out(`  ${readTimesLine(measureReads(reader, deps))}`);
  out(`  ${stalenessLine(reader)}`);
}

async function load(deps: DemoDeps, options: DemoOptions): Promise<LoadResult> {
  const { executiveUrl, adminToken } = options;
  const progress = createProgressView(deps.interactive, deps.out);
  try {
    return await loadMimeRegistry(
      {
        client: createClient(executiveUrl, { adminToken }),
        onProgress: (now) => progress.show(now),
        signal: deps.signal,
      },
      { executiveUrl, secret: keptSecret(options.secretPath) },
    );
  } finally {
    progress.end();
  }
}

function loadLine({ rowsBefore, totalRows }: LoadResult, loadedUs: number): string {
  const rows = totalRows - rowsBefore;
  if (rows === 0)
    return `  all ${totalRows} rows of ${MIME_EDITION} were loaded before: nothing was loaded twice`;
  const resumed = rowsBefore === 0 ? "" : `, after ${rowsBefore} of an earlier start`;
  const rate = Math.round(rows / (loadedUs / 1e6));
  return `  loaded ${rows} rows of ${MIME_EDITION} in ${durationText(loadedUs)} (${rate} rows/s)${resumed}`;
}

async function headSequence({ executiveUrl, adminToken }: DemoOptions): Promise<bigint> {
  const status = await answerOf(executiveUrl, createClient(executiveUrl, { adminToken }).status.get());
  return BigInt(status.ctldb.headSequence);
}

function stalenessLine(reader: LdbReader): string {
  const latencyUs = reader.getLedgerLatency() * 1e6;
  return `ledger latency (age of the last applied entry): ${durationText(latencyUs)} at sequence ${reader.getLastSequence()}`;
}
