/**
 * B5: one row by key over HTTP from the sidecar, 200,000 rows × 4 fields, uniform keys, over TCP and a unix socket, from one
 * client and from sixteen.
 *
 * Peer: Redis GET of the same rows as JSON text. Both are processes of their own, and are asked by this process, in the
 * same way: bytes on connections that stay open.
 */

import { freePort } from "../support/free-port.ts";
import { startProcess } from "../support/process.ts";
import { ctlstore } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import {
  httpPost,
  latencies,
  type PingPong,
  redisCommand,
  wholeHttpAnswer,
  wholeRedisAnswer,
} from "./ping-pong.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { type Benchmark, type Figure, inTurns, median, percentile, ratio, type Verdict } from "./report.ts";
import { applyLedgerTo, SAMPLE_ROWS, sampleKey, sampleLedger } from "./sample-ldb.ts";

const ROUNDS = 5;
const REQUESTS = 5_000;
/** Code is compiled, and compiled better, while it is used: what is measured has been up for a while. */
const WARM_UP_REQUESTS = 20_000;
const KEYS = 4_096;
const AIM_MICROS = 80;
const CLIENTS = [1, 16] as const;

interface Contestant {
  readonly name: string;
  readonly pingPong: PingPong;
}

export const sidecarRead: Benchmark = {
  id: "B5",
  title: "point read by key through the sidecar, over HTTP",
  async run(progress) {
    using folder = tempFolder("bench");
    progress("making the LDB");
    applyLedgerTo(folder.path, sampleLedger(SAMPLE_ROWS, 100), 2_000);
    const socket = folder.file("sidecar.sock");
    await using sidecar = startProcess(
      ctlstore("sidecar", "--ldb", folder.path, "--bind", "127.0.0.1:0", "--socket", socket),
    );
    const [, port = ""] = await sidecar.waitForOutput(/http:\/\/127\.0\.0\.1:(\d+)/);
    await using redis = await startRedis(folder, { port: await freePort(), progress });
    const contestants = [...sidecarsAt(Number(port), socket), ...(redis === null ? [] : redisesAt(redis))];
    if (redis !== null) await fillRedis(redis);
    // Awaited: who is measured is stopped at the end of this block.
    return await measured(this, contestants, { progress, version: redis?.version ?? null });
  },
};

/** The same keys for all. */
const keys = Array.from({ length: KEYS }, () => Math.floor(Math.random() * SAMPLE_ROWS));

function sidecarsAt(port: number, socket: string): Contestant[] {
  const path = "/get-row-by-key/bench/rows";
  const requests = keys.map((i) => httpPost(path, `{"key":[{"value":"${sampleKey(i)}"}]}`));
  const common = { request: (i: number) => requests[i % KEYS] as Uint8Array, whole: wholeHttpAnswer };
  return [
    { name: "sidecar, TCP", pingPong: { ...common, address: { hostname: "127.0.0.1", port } } },
    { name: "sidecar, unix socket", pingPong: { ...common, address: { unix: socket } } },
  ];
}

function redisesAt({ port, socket }: RedisServer): Contestant[] {
  const requests = keys.map((i) => redisCommand("GET", sampleKey(i)));
  const common = { request: (i: number) => requests[i % KEYS] as Uint8Array, whole: wholeRedisAnswer };
  return [
    { name: "Redis GET, TCP", pingPong: { ...common, address: { hostname: "127.0.0.1", port } } },
    { name: "Redis GET, unix socket", pingPong: { ...common, address: { unix: socket } } },
  ];
}

/** All rows, so that it has as much to look through. */
async function fillRedis({ port }: RedisServer): Promise<void> {
  const row = (i: number) =>
    JSON.stringify({ id: sampleKey(i), name: `the value of row number ${i}`, count: i, weight: i / 8 });
  const whole = (received: Buffer) => received.indexOf("\r\n") + 2;
  const batch = 1_000;
  await latencies(
    {
      address: { hostname: "127.0.0.1", port },
      request: (i) => {
        const pairs = Array.from({ length: batch }, (_, k) => i * batch + k);
        return redisCommand("MSET", ...pairs.flatMap((k) => [sampleKey(k), row(k)]));
      },
      whole,
    },
    { connections: 1, requests: SAMPLE_ROWS / batch },
  );
}

interface Measuring {
  readonly progress: (text: string) => void;
  readonly version: string | null;
}

async function measured(
  { id, title }: Benchmark,
  contestants: readonly Contestant[],
  { progress, version }: Measuring,
) {
  const p50 = new Map<string, number[]>();
  const p99 = new Map<string, number[]>();
  for (const connections of CLIENTS) {
    progress(`${connections} at a time`);
    const one = async (
      label: string,
      pingPong: PingPong,
      load: { connections: number; requests: number },
    ) => {
      const micros = [...(await latencies(pingPong, load))];
      p99.set(label, [...(p99.get(label) ?? []), percentile(micros, 0.99)]);
      return percentile(micros, 0.5);
    };
    const turns = contestants.map(({ name, pingPong }) => {
      const label = `${name}, ${connections === 1 ? "one client" : `${connections} clients`}`;
      return [label, () => one(label, pingPong, { connections, requests: REQUESTS })] as const;
    });
    for (const { pingPong } of contestants)
      await latencies(pingPong, { connections, requests: WARM_UP_REQUESTS });
    for (const [label, values] of Object.entries(await inTurns(ROUNDS, Object.fromEntries(turns))))
      p50.set(label, values);
  }
  const figures: Figure[] = [...p50].flatMap(([label, values]) => [
    { name: `${label}, p50`, unit: "µs", values },
    { name: `${label}, p99`, unit: "µs", values: p99.get(label) ?? [] },
  ]);
  return {
    ...{ id, title, figures, verdicts: verdictsOf(p50, p99) },
    settings: `rows of 4 fields in the page cache, keys at random; ${version === null ? "no Redis here" : `Redis ${version} without persistence`}; one request at a time per connection`,
  };
}

function verdictsOf(p50: Map<string, number[]>, p99: Map<string, number[]>): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const way of ["TCP", "unix socket"]) {
    for (const [name, found] of [["p50", p50] as const, ["p99", p99] as const]) {
      const value = median(found.get(`sidecar, ${way}, one client`) ?? []);
      verdicts.push({
        ...{ name: `sidecar, ${way}, one client, ${name}`, value, unit: "µs" },
        ...{ aim: `≤ ${AIM_MICROS}`, met: value <= AIM_MICROS },
      });
    }
    const redis = p50.get(`Redis GET, ${way}, one client`);
    if (redis === undefined) continue;
    const value = ratio(p50.get(`sidecar, ${way}, one client`) ?? [], redis);
    verdicts.push({
      name: `against Redis, ${way}, one client, p50`,
      value,
      unit: "×",
      aim: "(none set)",
      met: true,
    });
  }
  return verdicts;
}
