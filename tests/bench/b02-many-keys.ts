/**
 * B2: 20 keys of one committed state, chosen uniformly over 200,000 rows.
 *
 * Peers in the same process: 20 raw point reads in one transaction, which is the same promise; one raw statement with 20
 * keys; and Redis' MGET, where it is to be had, of the same rows as JSON.
 */
import { join } from "node:path";
import { openReader } from "../../reader/index.ts";
import { freePort } from "../support/free-port.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { latencies, redisCommand, type WholeAnswer, wholeRedisAnswer } from "./ping-pong.ts";
import { eachMicros, meanMicros } from "./read-times.ts";
import { startRedis } from "./redis.ts";
import { type Benchmark, type Figure, inTurns, median, percentile, ratio } from "./report.ts";
import { applyLedgerTo, openRaw, SAMPLE_ROWS, sampleKey, sampleLedger } from "./sample-ldb.ts";

const KEYS = 20;
const CALLS = 10_000;
const ROUNDS = 5;

type ReadMany = (keys: readonly string[]) => unknown;

function randomKeys(): string[] {
  return Array.from({ length: KEYS }, () => sampleKey(Math.floor(Math.random() * SAMPLE_ROWS)));
}

/** The raw ways, each on a connection of its own. */
function rawWays(path: string) {
  const raw = openRaw(path, "like-ours");
  const columns = "`id`, `name`, `count`, `weight`";
  const point = raw.query(`SELECT ${columns} FROM bench___rows WHERE \`id\` = ?`);
  const marks = Array.from({ length: KEYS }, () => "?").join(",");
  const list = raw.query(`SELECT ${columns} FROM bench___rows WHERE \`id\` IN (${marks})`);
  const points: ReadMany = (keys) => {
    raw.run("BEGIN");
    const rows = keys.map((key) => point.get(key));
    raw.run("COMMIT");
    return rows;
  };
  return { points, inList: ((keys) => list.all(...keys)) as ReadMany, close: () => raw.close() };
}

export const manyKeys: Benchmark = {
  id: "B2",
  title: `${KEYS} keys of one committed state`,
  async run(progress) {
    using folder = tempFolder("bench");
    progress("making the LDB");
    applyLedgerTo(folder.path, sampleLedger(SAMPLE_ROWS, 100), 2_000);
    const path = join(folder.path, "ldb.db");
    using reader = openReader({ path });
    const raw = rawWays(path);
    const ours: ReadMany = (keys) => reader.getRows("bench", "rows", keys);
    const calls = Array.from({ length: CALLS }, randomKeys);
    for (const way of [ours, raw.points, raw.inList]) meanMicros(way, calls);
    progress("reading");
    const means = await inTurns(ROUNDS, {
      ours: () => meanMicros(ours, calls),
      points: () => meanMicros(raw.points, calls),
      inList: () => meanMicros(raw.inList, calls),
    });
    const each = eachMicros(ours, calls);
    raw.close();
    const redis = await redisMget(folder, calls, progress);
    const figures: Figure[] = [
      { name: "reader, getRows, mean", unit: "µs", values: means.ours },
      { name: "reader, getRows, p50", unit: "µs", values: [percentile(each, 0.5)] },
      { name: "reader, getRows, p99", unit: "µs", values: [percentile(each, 0.99)] },
      { name: `raw bun:sqlite, ${KEYS} reads in a transaction, mean`, unit: "µs", values: means.points },
      { name: "raw bun:sqlite, one statement with IN, mean", unit: "µs", values: means.inList },
      ...redis,
    ];
    const value = median(means.ours);
    return {
      id: this.id,
      title: this.title,
      settings:
        "LDB in WAL mode, in the page cache, which is as large for the raw peers; a row of 4 fields as an object per key, in the order asked for",
      figures,
      verdicts: [
        { name: "reader, mean", value, unit: "µs", aim: "≤ 30", met: value <= 30 },
        {
          name: `against ${KEYS} raw reads in a transaction`,
          value: ratio(means.ours, means.points),
          unit: "×",
          aim: "(none set)",
          met: true,
        },
      ],
    };
  },
};

const ROWS_PER_MSET = 1_000;

/** One client that waits for each answer; none where Redis cannot be had. */
async function redisMget(
  folder: TempFolder,
  calls: readonly (readonly string[])[],
  progress: (text: string) => void,
): Promise<Figure[]> {
  progress("Redis");
  const server = await startRedis(folder, { port: await freePort(), progress });
  if (server === null) return [];
  await using redis = server;
  const address = { unix: redis.socket };
  const pairs = (i: number): string[] => {
    const key = sampleKey(i);
    return [key, JSON.stringify({ id: key, name: `the value of row number ${i}`, count: i, weight: i / 8 })];
  };
  const fill = (i: number) => {
    const from = i * ROWS_PER_MSET;
    return redisCommand("MSET", ...Array.from({ length: ROWS_PER_MSET }, (_, j) => pairs(from + j)).flat());
  };
  const one = { connections: 1, requests: SAMPLE_ROWS / ROWS_PER_MSET };
  await latencies({ address, request: fill, whole: (received) => received.indexOf("\r\n") + 2 }, one);
  const request = (i: number) => redisCommand("MGET", ...(calls[i] ?? []));
  const micros = [
    ...(await latencies({ address, request, whole: wholeRedisList }, { connections: 1, requests: CALLS })),
  ];
  const name = `Redis ${redis.version}, MGET over a unix socket`;
  return [
    { name: `${name}, p50`, unit: "µs", values: [percentile(micros, 0.5)] },
    { name: `${name}, p99`, unit: "µs", values: [percentile(micros, 0.99)] },
  ];
}

/** `*<count>` and as many texts. */
const wholeRedisList: WholeAnswer = (received) => {
  let at = received.indexOf("\r\n") + 2;
  if (at < 2) return 0;
  for (let left = Number(received.toString("latin1", 1, at - 2)); left > 0; left--) {
    const length = wholeRedisAnswer(received.subarray(at));
    if (length === 0) return 0;
    at += length;
  }
  return at <= received.length ? at : 0;
};
