/**
 * `bun run bench [B1 B7 …] [--json]`: measures what docs/benchmarks.md names.
 *
 * Each benchmark compares peers within the same run; believe the ratios, not the absolute figures of a shared machine.
 */
import { authentication } from "./auth.ts";
import { pointRead } from "./b01-point-read.ts";
import { manyKeys } from "./b02-many-keys.ts";
import { prefixScan } from "./b03-prefix.ts";
import { readsWhileApplying } from "./b04-reads-while-applying.ts";
import { sidecarRead } from "./b05-sidecar.ts";
import { writeToRead } from "./b06-write-to-read.ts";
import { applyLedger } from "./b07-apply.ts";
import { catchUp } from "./b08-catch-up.ts";
import { bootstrapTime } from "./b09-bootstrap.ts";
import { snapshotPause } from "./b10-snapshot.ts";
import { executiveThroughput } from "./b11-executive.ts";
import { idlePoll } from "./b12-idle-poll.ts";
import { reflectorMemory } from "./b13-memory.ts";
import { coldStart } from "./b14-cold-start.ts";
import { binarySize } from "./b15-binary-size.ts";
import { flipUnderReaders } from "./b16-flip.ts";
import { staleness } from "./b17-staleness.ts";
import { walUnderReaders } from "./b18-wal.ts";
import { parseEvents } from "./b19-loader-parse.ts";
import { loaderPath } from "./b19-loader-path.ts";
import { verifyChain } from "./b20-chain.ts";
import { verifyRows } from "./b20-verify.ts";
import { type Benchmark, environment, type Outcome, render } from "./report.ts";
import { traces } from "./traces.ts";

const BENCHMARKS: readonly Benchmark[] = [
  pointRead,
  manyKeys,
  prefixScan,
  readsWhileApplying,
  sidecarRead,
  writeToRead,
  applyLedger,
  catchUp,
  bootstrapTime,
  snapshotPause,
  executiveThroughput,
  idlePoll,
  reflectorMemory,
  coldStart,
  binarySize,
  flipUnderReaders,
  staleness,
  walUnderReaders,
  parseEvents,
  loaderPath,
  verifyRows,
  verifyChain,
  authentication,
  traces,
];

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const asJson = process.argv.includes("--json");
const unknown = wanted.filter(
  (id) => !BENCHMARKS.some((benchmark) => benchmark.id.toLowerCase() === id.toLowerCase()),
);
if (unknown.length > 0 || process.argv.includes("--help")) {
  console.error(
    `Usage: bun run bench [ID …] [--json]\n\n${BENCHMARKS.map(({ id, title }) => `  ${id.padEnd(5)}${title}`).join("\n")}`,
  );
  process.exit(unknown.length > 0 ? 2 : 0);
}

const outcomes: Outcome[] = [];
if (!asJson) for (const line of environment()) console.log(line);
for (const benchmark of BENCHMARKS) {
  if (wanted.length > 0 && !wanted.some((id) => id.toLowerCase() === benchmark.id.toLowerCase())) continue;
  const outcome = await benchmark.run((text) => console.error(`… ${benchmark.id} ${text}`));
  outcomes.push(outcome);
  if (!asJson) console.log(`\n${render(outcome).join("\n")}`);
}
if (asJson) console.log(JSON.stringify({ environment: environment(), outcomes }, null, 2));
process.exit(0);
