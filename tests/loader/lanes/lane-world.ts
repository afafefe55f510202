/** A real Executive over HTTP with an embedded ctldb, the loader's own decoder and mapping, and lanes fed from memory. */
import { Database } from "bun:sqlite";
import { createClient, unwrap } from "../../../client/index.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { openCtlDb } from "../../../ctldb/open.ts";
import type { DeadLetters } from "../../../loader/dead-letters/dead-letters.ts";
import { createDecoder } from "../../../loader/events/decoder.ts";
import type { TopicPartition } from "../../../loader/kafka/consumer.ts";
import { createLaneWriter } from "../../../loader/lanes/batches/lane-writer.ts";
import { decodeLaneState } from "../../../loader/lanes/cookie/cookie.ts";
import type { LaneState } from "../../../loader/lanes/cookie/lane-state.ts";
import { Lane } from "../../../loader/lanes/lane.ts";
import type { LaneOptions, LanePlan } from "../../../loader/lanes/lane-contract.ts";
import { type LaneMeter, SILENT_METER } from "../../../loader/lanes/lane-meter.ts";
import type { SnapshotTracker } from "../../../loader/lanes/snapshot-tracker.ts";
import type { TableWorker } from "../../../loader/lanes/table-worker.ts";
import { PlainUnitMaker } from "../../../loader/lanes/units/plain-unit-maker.ts";
import type { UnitMaker } from "../../../loader/lanes/units/unit-maker.ts";
import { openMapping } from "../../../loader/mapping/keeper.ts";
import type { MappingKeeper } from "../../../loader/mapping/mapping.ts";
import { executiveSchemas } from "../../../loader/mapping/schema-store.ts";
import { ClosedSnapshots } from "../../../loader/snapshots/closed-snapshots.ts";
import { SILENT_SNAPSHOT_METER } from "../../../loader/snapshots/snapshot-meter.ts";
import { LaneSnapshotTracker } from "../../../loader/snapshots/tracker.ts";
import { startExecutive } from "../../../server/executive.ts";
import { ADMIN_TOKEN } from "../../server/test-app.ts";
import { readWholeLedger } from "../../support/replay-ledger.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { FaultyHttp } from "./faulty-http.ts";
import type { MemoryLog } from "./memory-log.ts";

export const ITEM = "shop.inventory.customers";
export const ACCOUNT = "shop.inventory.accounts";
/** Its table is made by the loader. */
export const MADE = "shop.inventory.made";
const SECRET = "s3cr3t-writer";

export function planOf(topics: Readonly<Record<string, number>>, writer = "loader:test"): LanePlan {
  const partitions = Object.entries(topics).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  const [anchor = { topic: "", partition: 0 }] = partitions;
  return { name: "test", writer, partitions, anchor, snapshotTables: [] };
}

export interface LaneParts {
  readonly plan: LanePlan;
  readonly log: MemoryLog;
  readonly options?: LaneOptions;
  readonly http?: FaultyHttp;
  readonly url?: string;
  readonly deadLetters?: DeadLetters;
  readonly meter?: LaneMeter;
  readonly tracker?: SnapshotTracker;
  readonly tableWorker?: TableWorker;
  readonly makeUnits?: (tracker: SnapshotTracker) => UnitMaker;
  /** Records offered at a time, per partition. */
  readonly chunk?: () => number;
}

export interface RunningLane {
  readonly lane: Lane;
  readonly http: FaultyHttp;
  /** Settles when the lane has ended: with what it ended for, or null. */
  readonly done: Promise<unknown>;
  /** Ends it in good order. @throws what it ended for */
  stop(): Promise<void>;
  /** Ends it like a killed process. */
  crash(): Promise<void>;
  /** Everything in the log has taken effect. @throws what the lane ended for instead */
  caughtUp(): Promise<void>;
}

export interface LaneWorld extends AsyncDisposable {
  readonly url: string;
  readonly ctldbUrl: string;
  readonly keeper: MappingKeeper;
  readonly client: ReturnType<typeof createClient>;
  start(parts: LaneParts): Promise<RunningLane>;
  cookie(plan: LanePlan): Promise<LaneState>;
  rows(table?: string): Record<string, unknown>[];
  /** Statements of the ledger about rows, in order. */
  statements(): Promise<readonly string[]>;
}

export async function openLaneWorld(): Promise<LaneWorld> {
  const folder = tempFolder("lanes");
  const file = folder.file("ctldb.db");
  const deps = { logger: silentLogger, clock: systemClock };
  const ctldb = await openCtlDb(`sqlite:${file}`, deps);
  const executive = await startExecutive(
    { ...deps, ctldb, metrics: createMetrics() },
    { bind: "127.0.0.1:0", adminToken: ADMIN_TOKEN, destructiveSchemaChanges: true, drainMs: 2_000 },
  );
  const { url } = executive;
  const client = createClient(url, { adminToken: ADMIN_TOKEN });
  const keeper = await prepare(client, url);
  return {
    url,
    ctldbUrl: `sqlite:${file}`,
    keeper,
    client,
    start: (parts) => startLane(parts, { url, keeper }),
    cookie: async (plan) =>
      decodeLaneState(await writerOf(url, plan).readCookie(new AbortController().signal), plan),
    rows: (table = "shop___item") => {
      using database = new Database(file, { readonly: true, safeIntegers: true });
      return database.query<Record<string, unknown>, []>(`SELECT * FROM \`${table}\` ORDER BY 1`).all();
    },
    statements: async () =>
      (await readWholeLedger(`sqlite:${file}`)).entries
        .map(({ statement }) => statement)
        .filter((statement) => /^(REPLACE|DELETE)/.test(statement)),
    async [Symbol.asyncDispose]() {
      await executive.stop();
      await ctldb[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

async function prepare(client: ReturnType<typeof createClient>, url: string): Promise<MappingKeeper> {
  const fields: [string, string][] = [
    ["id", "string"],
    ["n", "integer"],
    ["note", "text"],
  ];
  for (const [family, table] of [
    ["shop", "item"],
    ["bank", "account"],
  ] as const) {
    unwrap(await client.families({ family }).post());
    unwrap(
      await client
        .families({ family })
        .tables({ table })
        .post({ fields, keyFields: ["id"] }),
    );
  }
  const mapping = {
    version: 1,
    tables: [
      { topic: ITEM, family: "shop", table: "item", onTruncate: "clear", vanishedRows: "sweep" },
      { topic: ACCOUNT, family: "bank", table: "account" },
      { topic: MADE, family: "made", table: "item", create: true, addFields: true },
    ],
  };
  return openMapping(JSON.stringify(mapping), executiveSchemas({ url, adminToken: ADMIN_TOKEN }), {
    name: "mapping.json",
  });
}

function writerOf(url: string, plan: LanePlan, http?: FaultyHttp) {
  const fetch = http === undefined ? {} : { fetch: http.fetch };
  const { writer } = plan;
  return createLaneWriter({ url, adminToken: ADMIN_TOKEN, writer, secret: SECRET, family: "shop", ...fetch });
}

/** The real one; of plans without tables to watch it knows nothing but truncations. */
function trackerOf(plan: LanePlan): SnapshotTracker {
  return new LaneSnapshotTracker(plan, {
    closed: new ClosedSnapshots(),
    meter: SILENT_SNAPSHOT_METER,
    logger: silentLogger,
    clock: systemClock,
  });
}
const NO_TABLE_WORK: TableWorker = {
  run: async () => {
    throw new Error("no work on tables is expected");
  },
};

async function startLane(
  parts: LaneParts,
  world: { readonly url: string; readonly keeper: MappingKeeper },
): Promise<RunningLane> {
  const { plan, log, http = new FaultyHttp(), deadLetters = null, meter = SILENT_METER } = parts;
  const { tracker = trackerOf(parts.plan), tableWorker = NO_TABLE_WORK, chunk = () => 100 } = parts;
  const url = parts.url ?? world.url;
  const unitMaker = parts.makeUnits?.(tracker) ?? new PlainUnitMaker(tracker, systemClock);
  const lane = new Lane(
    plan,
    {
      keeper: world.keeper,
      decoder: createDecoder(),
      writer: writerOf(url, plan, http),
      deadLetters,
      unitMaker,
      tracker,
      tableWorker,
      clock: systemClock,
      logger: silentLogger,
      meter,
    },
    { lingerMs: 2, idleCookieMs: 20, stopMs: 5_000, ...parts.options },
  );
  const stop = new AbortController();
  const positions = await lane.open(stop.signal);
  const begun = positions.map((position) => ({
    ...position,
    next: Math.max(position.next, log.low(position)),
  }));
  for (const position of begun) lane.begin(position);
  const done = lane.run(stop.signal).then(
    () => null,
    (error: unknown) => error ?? new Error("ended for nothing"),
  );
  const feeding = feed(lane, { log, positions: begun, signal: stop.signal, chunk, done });
  const end = async () => {
    stop.abort(new Error("the test ends it"));
    await feeding;
    return done;
  };
  let ended: unknown = null;
  void done.then((error) => {
    ended = error;
  });
  return {
    lane,
    http,
    done,
    stop: async () => {
      const error = await end();
      if (error !== null) throw error;
    },
    crash: async () => {
      http.die();
      await end();
    },
    caughtUp: async () => {
      await until(() => ended !== null || isAtEndOf(lane, log, plan.partitions), {
        what: "everything is applied",
      });
      if (ended !== null) throw ended;
    },
  };
}

function isAtEndOf(lane: Lane, log: MemoryLog, partitions: readonly TopicPartition[]): boolean {
  const applied = new Map(lane.appliedPositions().map((one) => [`${one.topic}/${one.partition}`, one.next]));
  return (
    lane.isCaughtUp &&
    partitions.every((one) => (applied.get(`${one.topic}/${one.partition}`) ?? 0) >= log.end(one))
  );
}

interface Feeding {
  readonly log: MemoryLog;
  readonly positions: { readonly topic: string; readonly partition: number; next: number }[];
  readonly signal: AbortSignal;
  readonly chunk: () => number;
  readonly done: Promise<unknown>;
}

/** What the service does with what it fetches. */
async function feed(lane: Lane, { log, positions, signal, chunk, done }: Feeding): Promise<void> {
  let isOver = false;
  void done.then(() => {
    isOver = true;
  });
  while (!signal.aborted && !isOver) {
    for (const position of positions) {
      if (lane.isFull) break;
      const records = log.read(position, chunk());
      lane.offer(records);
      position.next = (records.at(-1)?.offset ?? position.next - 1) + 1;
      const end = { ...position, next: log.end(position) };
      if (log.read(position, 1).length === 0) lane.reachedEnd(end);
      lane.measured(end, performance.now());
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
