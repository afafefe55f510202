/**
 * B19, the whole path: change events on Kafka, through `ctlstore loader` and the Executive, into MariaDB.
 *
 * The peer is B11's bound in the same run: the same rows written by `Writer` alone, on Node too, in batches of 100, with as
 * many writers as the loader has lanes. Beside it the loader's memory, and how long after a kill it writes again.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { changeRecord } from "../support/debezium.ts";
import { type LoaderProcess, LoaderWorld } from "../support/loader/loader-world.ts";
import { startMariadb } from "../support/mariadb.ts";
import { runProcess } from "../support/process.ts";
import { until } from "../support/until.ts";
import { benchRow } from "./b19-row.ts";
import { makeBenchTable } from "./executive-process.ts";
import { type Benchmark, type Figure, inTurns, median, ratio } from "./report.ts";

const EVENTS = Number(process.env["CTLSTORE_BENCH_EVENTS"] ?? 40_000);
const ROUNDS = 3;
const PARTITIONS = 8;
const SESSION_TIMEOUT_MS = 6_000;
/** Waits of the measured kind: nothing is measured more finely. */
const POLL_MS = 20;
const WRITERS = join(import.meta.dir, "b19-writers-program.ts");

let nextRow = 0;

/** Rows of a ctldb's ledger, asked of MariaDB itself. */
class LedgerWatch implements AsyncDisposable {
  readonly #connection;
  private constructor(connection: Awaited<ReturnType<typeof createConnection>>) {
    this.#connection = connection;
  }

  static async open(url: string): Promise<LedgerWatch> {
    return new LedgerWatch(await createConnection(url));
  }

  async head(): Promise<number> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      "SELECT MAX(seq) AS head FROM ctlstore_dml_ledger",
    );
    return Number(rows[0]?.["head"] ?? 0);
  }

  /** The moment at which the ledger is longer than `head`. */
  async grownBeyond(head: number, deadlineMs = 120_000): Promise<number> {
    const options = { what: "the ledger to grow", deadlineMs, intervalMs: POLL_MS };
    await until(async () => (await this.head()) > head, options);
    return performance.now();
  }

  /** The moment of the last of `count` mutations after `head`, each of which is one entry at least. */
  async doneAfter(head: number, count: number): Promise<number> {
    return this.grownBeyond(head + count - 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.end();
  }
}

async function makeTopic(world: LoaderWorld, topic: string, events: number): Promise<void> {
  await world.kafka.createTopic(topic, PARTITIONS);
  await produce(world, topic, events);
}

async function produce(world: LoaderWorld, topic: string, events: number): Promise<void> {
  const records = Array.from({ length: events }, () => {
    const i = nextRow++;
    const after = benchRow(i);
    return changeRecord({
      op: "c",
      after,
      topic,
      partition: i % PARTITIONS,
      database: "bench",
      table: "rows",
    });
  });
  await world.produce(records);
}

interface Run {
  readonly rate: number;
  readonly loadingMib: number;
}

/** Events per second from the first that is in the ledger to the last; and the process's largest size. */
async function loaderRun(
  world: LoaderWorld,
  watch: LedgerWatch,
  lane: "topic" | "partition",
  round: number,
): Promise<Run> {
  const topic = `bench.rows.${lane}.${round}`;
  await makeTopic(world, topic, EVENTS);
  const mapping = world.mapping({ version: 1, tables: [{ topic, family: "bench", table: "rows", lane }] });
  const head = await watch.head();
  await using loader = await world.startLoader(mapping, ["--keep-repeats", "--writer", `b-${lane}-${round}`]);
  const startedMs = await watch.grownBeyond(head);
  const already = (await watch.head()) - head;
  const endedMs = await watch.doneAfter(head, EVENTS);
  const loadingMib = memoryMib(loader, "VmHWM");
  return { rate: (EVENTS - already) / ((endedMs - startedMs) / 1_000), loadingMib };
}

/** Rows per second of as many Writers, on the loader's runtime. */
async function writerRun(world: LoaderWorld, program: string, writers: number): Promise<number> {
  const run = await runProcess(["node", program, world.executive.url, String(writers), String(EVENTS)]);
  if (run.code !== 0) throw new Error(run.stderr);
  return Number(run.stdout);
}

async function bundleWriters(path: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [WRITERS], target: "node", format: "esm", throw: false });
  if (!built.success) throw new Error(built.logs.map(String).join("\n"));
  await Bun.write(path, (await built.outputs[0]?.text()) ?? "");
  return path;
}

function memoryMib({ process }: LoaderProcess, name: "VmRSS" | "VmHWM"): number {
  const match = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${process.pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) / 1_024;
}

/** From a start to the first row written: alone in its group, and after a kill, while the group waits for the dead one. */
async function resumeTimes(
  world: LoaderWorld,
  watch: LedgerWatch,
): Promise<{ fresh: number; killed: number; idleMib: number }> {
  const topic = "bench.rows.resume";
  await makeTopic(world, topic, 1_000);
  const mapping = world.mapping({ version: 1, tables: [{ topic, family: "bench", table: "rows" }] });
  const flags = [
    "--keep-repeats",
    "--writer",
    "b-resume",
    "--kafka-setting",
    `session.timeout.ms=${SESSION_TIMEOUT_MS}`,
  ];
  const start = async () => {
    const head = await watch.head();
    const startedMs = performance.now();
    const loader = await world.startLoader(mapping, flags);
    const ms = (await watch.grownBeyond(head)) - startedMs;
    return { loader, ms };
  };
  const first = await start();
  await using _first = first.loader;
  const isIdle = async () => {
    const status: { state?: string } = await (await fetch(`${await first.loader.url()}/status`)).json();
    return status.state === "current";
  };
  await until(isIdle, { what: "the loader to be idle", deadlineMs: 30_000 });
  const idleMib = memoryMib(first.loader, "VmRSS");
  await first.loader.process.kill();
  await produce(world, topic, 1_000);
  const second = await start();
  await using _second = second.loader;
  return { fresh: first.ms, killed: second.ms, idleMib };
}

export const loaderPath: Benchmark = {
  id: "B19",
  title: "events from Kafka to the ctldb",
  async run(progress) {
    await using mariadb = await startMariadb();
    const ctldbUrl = await mariadb.createDatabase();
    await using world = await LoaderWorld.start({ ctldbUrl });
    await makeBenchTable(world.executive.url, PARTITIONS);
    await using watch = await LedgerWatch.open(ctldbUrl);
    const writers = await bundleWriters(world.folder.file("writers.mjs"));
    const loading: number[] = [];
    let round = 0;
    const through = async (lane: "topic" | "partition") => {
      progress(`loader, a lane per ${lane}`);
      round += 1;
      const run = await loaderRun(world, watch, lane, round);
      loading.push(run.loadingMib);
      return run.rate;
    };
    const rates = await inTurns(ROUNDS, {
      one: () => through("topic"),
      oneBound: () => writerRun(world, writers, 1),
      eight: () => through("partition"),
      eightBound: () => writerRun(world, writers, PARTITIONS),
    });
    progress("starts and kills");
    const resume = await resumeTimes(world, watch);
    const figures: Figure[] = [
      { name: "loader, 1 lane of 8 partitions", unit: "events/s", values: rates.one },
      { name: "Writer alone, batches of 100", unit: "rows/s", values: rates.oneBound },
      { name: "loader, 8 lanes", unit: "events/s", values: rates.eight },
      { name: "8 Writers, batches of 100", unit: "rows/s", values: rates.eightBound },
      { name: "loader's memory, idle", unit: "MiB", values: [resume.idleMib] },
      { name: "loader's memory, at most while loading", unit: "MiB", values: loading },
      { name: "start to first row, alone in the group", unit: "ms", values: [resume.fresh] },
      {
        name: `start after a kill to first row, session.timeout.ms=${SESSION_TIMEOUT_MS}`,
        unit: "ms",
        values: [resume.killed],
      },
    ];
    const [one, eight] = [ratio(rates.one, rates.oneBound), ratio(rates.eight, rates.eightBound)];
    return {
      id: this.id,
      title: this.title,
      settings: `innodb_flush_log_at_trx_commit=1, no binlog; ${EVENTS.toLocaleString("en-US")} events of about 600 bytes without schema; Kafka's brokers, loader, Executive and MariaDB share the machine`,
      figures,
      notes: [
        "with 8 lanes the two cores are full: reading events takes from what the Executive and MariaDB need",
        "the tests' brokers make whoever joins after a kill wait nearly twice the dead one's session timeout",
      ],
      verdicts: [
        { name: "1 lane against 1 Writer", value: one, unit: "×", aim: "≥ 0.8", met: one >= 0.8 },
        { name: "8 lanes against 8 Writers", value: eight, unit: "×", aim: "(none set)", met: true },
        {
          name: "loader, 8 lanes",
          value: median(rates.eight),
          unit: "events/s",
          aim: "≥ 10,000",
          met: median(rates.eight) >= 10_000,
        },
        {
          name: "memory while loading, at most",
          value: median(loading),
          unit: "MiB",
          aim: "(none set)",
          met: true,
        },
      ],
    };
  },
};
