/**
 * B1: one row by key, 200,000 rows × 4 fields, uniform over all keys and hot on one.
 *
 * Peers in the same process: raw bun:sqlite. Peers on Node 24, over the same file in a process of their own: our reader,
 * raw node:sqlite, better-sqlite3 and lmdb, as far as they can be installed.
 */
import { join } from "node:path";
import { openReader } from "../../reader/index.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { nodePeers } from "./node-peers.ts";
import { eachMicros, meanMicros } from "./read-times.ts";
import { type Benchmark, type Figure, inTurns, percentile, ratio } from "./report.ts";
import { applyLedgerTo, openRaw, SAMPLE_ROWS, sampleKey, sampleLedger } from "./sample-ldb.ts";

const READS = 100_000;
const ROUNDS = 7;

const SQL = "SELECT `id`, `name`, `count`, `weight` FROM bench___rows WHERE `id` = ?";

type Read = (key: string) => unknown;

function uniformKeys(): string[] {
  return Array.from({ length: READS }, () => sampleKey(Math.floor(Math.random() * SAMPLE_ROWS)));
}

export const pointRead: Benchmark = {
  id: "B1",
  title: "point read by key through the reader",
  async run(progress) {
    using folder = tempFolder("bench");
    progress("making the LDB");
    applyLedgerTo(folder.path, sampleLedger(SAMPLE_ROWS, 100), 2_000);
    const path = join(folder.path, "ldb.db");
    using reader = openReader({ path });
    using raw = openRaw(path);
    const statement = raw.query(SQL);
    using cached = openRaw(path, "like-ours");
    const cachedStatement = cached.query(SQL);
    const ours: Read = (key) => reader.getRowByKey("bench", "rows", key);
    const bare: Read = (key) => statement.get(key);
    const bareCached: Read = (key) => cachedStatement.get(key);
    const uniform = uniformKeys();
    const hot = uniform.map(() => sampleKey(SAMPLE_ROWS / 2));
    meanMicros(ours, uniform);
    meanMicros(bare, uniform);
    meanMicros(bareCached, uniform);
    progress("reading");
    const means = await inTurns(ROUNDS, {
      ours: () => meanMicros(ours, uniform),
      bare: () => meanMicros(bare, uniform),
      bareCached: () => meanMicros(bareCached, uniform),
      oursHot: () => meanMicros(ours, hot),
      bareHot: () => meanMicros(bare, hot),
    });
    const oursEach = eachMicros(ours, uniform);
    const bareEach = eachMicros(bare, uniform);
    const figures: Figure[] = [
      { name: "reader, uniform, mean", unit: "µs", values: means.ours },
      { name: "raw bun:sqlite, uniform, mean", unit: "µs", values: means.bare },
      { name: "raw bun:sqlite with our page cache, uniform, mean", unit: "µs", values: means.bareCached },
      { name: "reader, one hot key, mean", unit: "µs", values: means.oursHot },
      { name: "raw bun:sqlite, one hot key, mean", unit: "µs", values: means.bareHot },
      { name: "reader, uniform, p50", unit: "µs", values: [percentile(oursEach, 0.5)] },
      { name: "reader, uniform, p99", unit: "µs", values: [percentile(oursEach, 0.99)] },
      { name: "raw bun:sqlite, uniform, p50", unit: "µs", values: [percentile(bareEach, 0.5)] },
      { name: "raw bun:sqlite, uniform, p99", unit: "µs", values: [percentile(bareEach, 0.99)] },
    ];
    progress("peers on Node");
    const node = await nodePeers(path);
    const uniformRatio = ratio(means.ours, means.bare);
    return {
      id: this.id,
      title: this.title,
      settings: "LDB in WAL mode on local disk, in the page cache; a row of 4 fields as an object per read",
      figures: [...figures, ...node.figures],
      verdicts: [
        {
          name: "uniform, against raw bun:sqlite",
          value: uniformRatio,
          unit: "×",
          aim: "≤ 1.3",
          met: uniformRatio <= 1.3,
        },
        {
          name: "uniform, against raw bun:sqlite with our page cache",
          value: ratio(means.ours, means.bareCached),
          unit: "×",
          aim: "(none set)",
          met: true,
        },
        {
          name: "hot, against raw bun:sqlite",
          value: ratio(means.oursHot, means.bareHot),
          unit: "×",
          aim: "(none set)",
          met: true,
        },
      ],
      notes: node.notes,
    };
  },
};
