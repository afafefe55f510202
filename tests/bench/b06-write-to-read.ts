/**
 * B6: from the answer to a write until a reader on a host sees it, with polling at the default interval.
 *
 * Executive and Reflector are processes of their own on an embedded ctldb; the reader is here and waits by `waitFor`.
 */
import { join } from "node:path";
import { REFLECTOR_LIMITS } from "../../core/limits.ts";
import { openReader } from "../../reader/index.ts";
import { startReflectorService } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { startBenchExecutive } from "./executive-process.ts";
import { type Benchmark, percentile } from "./report.ts";

const WRITES = 60;

export const writeToRead: Benchmark = {
  id: "B6",
  title: "write accepted until visible to a reader",
  async run(progress) {
    using folder = tempFolder("bench");
    const ctldb = `sqlite:${folder.file("ctldb.db")}`;
    await using executive = await startBenchExecutive(ctldb, 1);
    const ldb = folder.file("ldb");
    // With its own defaults, so that what is measured is what an operator gets.
    await using _reflector = await startReflectorService(ctldb, ldb, []);
    const path = join(ldb, "ldb.db");
    const reader = await until(() => openReader({ path }), { what: "the LDB", deadlineMs: 20_000 });
    const millis: number[] = [];
    for (let i = 0; i < WRITES; i++) {
      progress(`${i + 1}/${WRITES}`);
      // Not in step with the poll.
      await Bun.sleep(Math.random() * 400);
      const response = await fetch(`${executive.url}/families/bench/mutations`, {
        method: "POST",
        headers: { "ctlstore-writer": "writer0", "ctlstore-secret": "secret" },
        body: JSON.stringify({
          mutations: [{ table: "rows", values: { id: `row-${i}`, name: "x", count: i, weight: 0 } }],
        }),
      });
      const { sequence } = (await response.json()) as { sequence: number };
      const acceptedMs = performance.now();
      await reader.waitFor(sequence, { timeoutMs: 10_000 });
      millis.push(performance.now() - acceptedMs);
    }
    reader.close();
    const longestPollMs = REFLECTOR_LIMITS.pollIntervalMs * (1 + REFLECTOR_LIMITS.pollJitter);
    const worst = percentile(millis, 1);
    return {
      id: this.id,
      title: this.title,
      settings: `poll interval ${REFLECTOR_LIMITS.pollIntervalMs} ms ± ${REFLECTOR_LIMITS.pollJitter * 100} %, ${WRITES} single writes`,
      figures: [
        { name: "p50", unit: "ms", values: [percentile(millis, 0.5)] },
        { name: "p99", unit: "ms", values: [percentile(millis, 0.99)] },
        { name: "longest", unit: "ms", values: [worst] },
      ],
      verdicts: [
        {
          name: "longest, less the longest poll interval",
          value: worst - longestPollMs,
          unit: "ms",
          aim: "≤ 50",
          met: worst - longestPollMs <= 50,
        },
      ],
    };
  },
};
