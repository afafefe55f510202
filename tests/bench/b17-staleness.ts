/**
 * B17: the staleness that a host tells of itself against the true one: the time since the newest write in its LDB was
 * accepted, by this process, which writes and looks.
 *
 * Beside it the original's form of the same in the same LDB: whole seconds of the ledger's timestamp.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { parseTimestampUs } from "../../core/ledger/timestamps.ts";
import { systemClock } from "../../core/process/clock.ts";
import { type LdbReader, openReader } from "../../reader/index.ts";
import { startCtlstore, startReflectorService } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { startBenchExecutive } from "./executive-process.ts";
import { type Benchmark, percentile } from "./report.ts";

const IDLE_MS = 5_000;
const BUSY_MS = 6_000;
/** Between two writes of the busy time. */
const WRITE_EVERY_MS = 15;
const LOOK_EVERY_MS = 40;
const AIM_MS = 100;

/** What one of the ways to ask said, and when. */
interface Look {
  readonly sequence: bigint;
  readonly seconds: number;
  readonly atUs: number;
}

type Way = "reader" | "metric of the Reflector" | "header of the sidecar" | "the original's form";
type Ask = () => Look | null | Promise<Look | null>;

/** When each write was accepted, by its sequence. */
type Accepted = Map<bigint, number>;

export const staleness: Benchmark = {
  id: "B17",
  title: "reported staleness against the true one",
  async run(progress) {
    using folder = tempFolder("bench");
    const ctldb = `sqlite:${folder.file("ctldb.db")}`;
    await using executive = await startBenchExecutive(ctldb, 1);
    const ldb = folder.file("ldb");
    await using reflector = await startReflectorService(ctldb, ldb, []);
    await using sidecar = startCtlstore(["sidecar", "--ldb", ldb, "--bind", "127.0.0.1:0"]);
    const [sidecarUrl] = await sidecar.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/);
    const path = join(ldb, "ldb.db");
    const reader = await until(() => openReader({ path }), { what: "the LDB", deadlineMs: 20_000 });
    using original = new Database(path, { readonly: true, safeIntegers: true });
    const accepted: Accepted = new Map();
    const write = () => writeRow(executive.url, accepted);
    const ways: Readonly<Record<Way, Ask>> = {
      reader: () => askReader(reader),
      "metric of the Reflector": () => askMetrics(reflector.url),
      "header of the sidecar": () => askSidecar(sidecarUrl),
      "the original's form": () => askOriginal(original),
    };
    await reader.waitFor(await write(), { timeoutMs: 20_000 });
    const errors = new Map<string, number[]>();
    const look = (phase: string, forMs: number) => lookAt(ways, accepted, { phase, forMs, errors });
    progress("idle");
    await look("idle", IDLE_MS);
    progress("busy");
    const writing = new AbortController();
    const writes = writeAgain(write, writing.signal);
    await look("busy", BUSY_MS);
    writing.abort();
    await writes;
    reader.close();
    return outcomeOf(this, errors, accepted.size);
  },
};

async function writeRow(url: string, accepted: Accepted): Promise<bigint> {
  const values = { id: `row-${accepted.size % 100}`, name: "x", count: accepted.size, weight: 0 };
  const response = await fetch(`${url}/families/bench/mutations`, {
    method: "POST",
    headers: { "ctlstore-writer": "writer0", "ctlstore-secret": "secret" },
    body: JSON.stringify({ mutations: [{ table: "rows", values }] }),
  });
  const acceptedUs = systemClock.nowUs();
  const { sequence } = (await response.json()) as { sequence: number };
  accepted.set(BigInt(sequence), acceptedUs);
  return BigInt(sequence);
}

async function writeAgain(write: () => Promise<bigint>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await write();
    await systemClock.sleep(WRITE_EVERY_MS, signal).catch(() => {});
  }
}

/** Asks in all ways, again and again, and compares with the truth once it is known of each. */
async function lookAt(
  ways: Readonly<Record<Way, Ask>>,
  accepted: Accepted,
  { phase, forMs, errors }: { phase: string; forMs: number; errors: Map<string, number[]> },
): Promise<void> {
  const looks: { readonly name: string; readonly look: Look }[] = [];
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    for (const [way, ask] of Object.entries(ways)) {
      const look = await ask();
      if (look !== null) looks.push({ name: `${way}, ${phase}`, look });
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  for (const { name, look } of looks) {
    const acceptedUs = accepted.get(look.sequence);
    if (acceptedUs === undefined) continue; // of a write whose answer is still to come
    const trueMs = (look.atUs - acceptedUs) / 1_000;
    const values = errors.get(name) ?? [];
    errors.set(name, values);
    values.push(Math.abs(look.seconds * 1_000 - trueMs));
  }
}

/** Null when the LDB moved between the two questions. */
function askReader(reader: LdbReader): Look | null {
  const sequence = reader.getLastSequence();
  const seconds = reader.getLedgerLatency();
  const atUs = systemClock.nowUs();
  return reader.getLastSequence() === sequence ? { sequence, seconds, atUs } : null;
}

async function askMetrics(url: string): Promise<Look> {
  const beforeUs = systemClock.nowUs();
  const text = await (await fetch(`${url}/metrics`)).text();
  const atUs = (beforeUs + systemClock.nowUs()) / 2;
  const read = (name: string) => new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? "0";
  const sequence = BigInt(read("ctlstore_reflector_sequence"));
  return { sequence, seconds: Number(read("ctlstore_reflector_lag_seconds")), atUs };
}

async function askSidecar(url: string): Promise<Look> {
  const beforeUs = systemClock.nowUs();
  const { headers } = await fetch(`${url}/get-row-by-key/bench/rows`, {
    method: "POST",
    body: '{"key":[{"value":"row-0"}]}',
  });
  const atUs = (beforeUs + systemClock.nowUs()) / 2;
  const sequence = BigInt(headers.get("ctlstore-sequence") ?? "0");
  return { sequence, seconds: Number(headers.get("ctlstore-latency")), atUs };
}

function askOriginal(ldb: Database): Look | null {
  const row = ldb
    .query<{ seq: bigint; timestamp: string }, []>(
      "SELECT seq, CAST(timestamp AS TEXT) AS timestamp FROM _ldb_seq, _ldb_last_update WHERE name = 'ledger'",
    )
    .get();
  const timestampUs = row === null ? null : parseTimestampUs(row.timestamp);
  if (row === null || timestampUs === null) return null;
  const atUs = systemClock.nowUs();
  return { sequence: row.seq, seconds: (atUs - timestampUs) / 1_000_000, atUs };
}

function outcomeOf(
  { id, title }: Pick<Benchmark, "id" | "title">,
  errors: ReadonlyMap<string, readonly number[]>,
  writes: number,
) {
  const figures = [...errors].flatMap(([name, values]) => [
    { name: `${name}: error p50`, unit: "ms", values: [percentile(values, 0.5)] },
    { name: `${name}: longest error (${values.length} looks)`, unit: "ms", values: [percentile(values, 1)] },
  ]);
  const ours = [...errors].filter(([name]) => !name.startsWith("the original's")).flatMap(([, all]) => all);
  const worst = percentile(ours, 1);
  return {
    id,
    title,
    settings: `poll interval 1 s; ${IDLE_MS / 1000} s without writes, ${BUSY_MS / 1000} s with ${writes} of them; SQLite as ctldb`,
    figures,
    verdicts: [
      {
        name: "longest error of all of ours",
        value: worst,
        unit: "ms",
        aim: `≤ ${AIM_MS}`,
        met: worst <= AIM_MS,
      },
    ],
  };
}
