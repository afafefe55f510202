/**
 * R30, R31, I3: random histories of events, crashes, lost answers, zombies and rebalances, against a model.
 *
 * What the ledger says must be what the log says: for each row the same changes in the same order, each once; with folding
 * some of them left out, and the last one there. Events that cannot be loaded are all put aside, at least once.
 */
import { describe, expect, test } from "bun:test";
import type { DeadLetters } from "../../../loader/dead-letters/dead-letters.ts";
import type { KafkaRecord, TopicPartition } from "../../../loader/kafka/consumer.ts";
import { changeRecord } from "../../support/debezium.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { FaultyHttp, type HttpFault } from "./faulty-http.ts";
import { ITEM, type LaneWorld, openLaneWorld, planOf, type RunningLane } from "./lane-world.ts";
import { MemoryLog } from "./memory-log.ts";

const PARTITIONS = 4;
const KEYS = 25;
const FAULTS: readonly HttpFault[] = ["lose-request", "lose-answer", "busy", "unknown", "lose-answer"];

class History {
  readonly log = new MemoryLog();
  readonly random: () => number;
  /** Places of events that cannot be loaded, and of those that were put aside; the letters outlive every crash. */
  readonly bad = new Set<string>();
  readonly putAside = new Set<string>();
  readonly deadLetters: DeadLetters = {
    place: "memory",
    put: async ({ record }) => void this.putAside.add(nameOf(record)),
    [Symbol.asyncDispose]: async () => {},
  };
  readonly #present = new Set<string>();
  #n = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  /** What an origin might do next. */
  grow(events: number): void {
    for (let i = 0; i < events; i++) {
      const id = `k${this.below(KEYS)}`;
      const row = { id, n: ++this.#n };
      const isThere = this.#present.has(id);
      const dice = this.random();
      if (this.random() < 0.03) {
        this.bad.add(
          nameOf(this.log.append(placeOf(id), changeRecord({ op: "c", after: { ...row, n: "many" } }))),
        );
        continue;
      }
      if (!isThere || dice < 0.6) {
        this.log.upsert(placeOf(id), row, isThere ? "u" : "c");
        this.#present.add(id);
      } else if (dice < 0.85) {
        this.log.remove(placeOf(id), row);
        this.#present.delete(id);
      } else {
        const newId = `k${this.below(KEYS)}`;
        if (newId === id) continue;
        this.log.remove(placeOf(id), row, newId);
        this.log.upsert(placeOf(newId), { id: newId, n: ++this.#n });
        this.#present.delete(id);
        this.#present.add(newId);
      }
    }
  }

  /** A last row in each partition, so that no delete at its end waits for a new key. */
  finish(): void {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const id = `k${partition}`;
      this.log.upsert(placeOf(id), { id, n: ++this.#n });
    }
  }

  http(): FaultyHttp {
    const http = new FaultyHttp();
    const rate = this.random() < 0.5 ? 0 : 0.15;
    http.chance = () => (this.random() < rate ? (FAULTS[this.below(FAULTS.length)] ?? "none") : "none");
    return http;
  }
}

function nameOf({ partition, offset }: KafkaRecord): string {
  return `${partition}/${offset}`;
}

/** A key's records are all in one partition, as Kafka's own partitioner does it. */
function placeOf(id: string): TopicPartition {
  return { topic: ITEM, partition: Number(id.slice(1)) % PARTITIONS };
}

/** What happened to each row: the number of its event, or "gone"; repeats of "gone" in a row are one. */
type Story = ReadonlyMap<string, readonly (number | "gone")[]>;

function storyOfLog({ log, bad }: History): Story {
  const story = new Map<string, (number | "gone")[]>();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const record of log.read({ topic: ITEM, partition, next: 0 }, Number.POSITIVE_INFINITY)) {
      if (bad.has(nameOf(record))) continue;
      const { id, n } = changeOf(record);
      tell(story, id, n);
    }
  }
  return story;
}

function changeOf({ key, value }: KafkaRecord): { id: string; n: number | "gone" } {
  const { id } = JSON.parse(Buffer.from(key ?? []).toString());
  const after = value === null ? null : JSON.parse(Buffer.from(value).toString()).after;
  return { id, n: after?.n ?? "gone" };
}

function storyOfLedger(statements: readonly string[]): Story {
  const story = new Map<string, (number | "gone")[]>();
  for (const text of statements) {
    const upsert = /^REPLACE INTO shop___item .*VALUES\('(k\d+)',(\d+),/.exec(text);
    const removal = /^DELETE FROM shop___item WHERE .*'(k\d+)'/.exec(text);
    if (upsert !== null) tell(story, upsert[1] ?? "", Number(upsert[2]));
    else if (removal !== null) tell(story, removal[1] ?? "", "gone");
    else throw new Error(`a statement of no event: ${text}`);
  }
  return story;
}

function tell(story: Map<string, (number | "gone")[]>, id: string, n: number | "gone"): void {
  const told = story.get(id) ?? [];
  if (n !== "gone" || told.at(-1) !== "gone") told.push(n);
  story.set(id, told);
}

const plan = planOf({ [ITEM]: PARTITIONS });

async function live(world: LaneWorld, history: History, isFolding: boolean): Promise<void> {
  const { log, deadLetters } = history;
  const options = {
    batchRows: 1 + history.below(20),
    lingerMs: history.below(4),
    idleCookieMs: history.below(30),
    intakeRecords: 1 + history.below(50),
    keepRepeats: !isFolding,
  };
  const start = () =>
    world.start({
      plan,
      log,
      options,
      deadLetters,
      http: history.http(),
      chunk: () => 1 + history.below(40),
    });
  const running: RunningLane[] = [await start()];
  // A zombie, or an instance that does not know yet that the lane has been given away.
  if (history.random() < 0.4) running.push(await start());
  history.grow(history.below(60));
  const most = 1 + history.below(8);
  await untilBatches(running, most);
  for (const one of running) {
    if (history.random() < 0.6) await one.crash();
    else await one.stop().catch(expectConflict);
  }
}

/** Until so many batches were sent, or everything has ended or is done. */
async function untilBatches(running: readonly RunningLane[], most: number): Promise<void> {
  const hasEnded = () =>
    running.every(({ lane }) => isIdle(lane)) || running.some(({ http }) => http.batches.length >= most);
  while (!hasEnded()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** It has ended, has nothing left to do, or waits for a new key that may not come. */
function isIdle(lane: RunningLane["lane"]): boolean {
  const { state, held, waiting } = lane.status();
  return state === "stopped" || lane.isCaughtUp || (held > 0 && waiting === 0);
}

function expectConflict(error: unknown): void {
  expect(error).toMatchObject({ code: "cookie_conflict" });
}

describe.each([
  ["each change is in the ledger once and in order", false],
  ["folded changes are left out and nothing else", true],
] as const)("random histories: %s", (_, isFolding) => {
  const runs = runsOf({ quick: 5, deep: 200 });
  test(
    `R30 R31 in ${runs} histories with crashes, lost answers and zombies the rows are the origin's`,
    async () => {
      for (let run = 0; run < runs; run++) {
        const seed = suiteSeed() + 1_000 * run + (isFolding ? 1 : 0);
        await checkHistory(seed, isFolding).catch((cause) => {
          throw new Error(`history ${run} of seed ${suiteSeed()}`, { cause });
        });
      }
    },
    timeoutMsOf({ quick: 60_000, deep: 1_200_000 }),
  );
});

async function checkHistory(seed: number, isFolding: boolean): Promise<void> {
  await using world = await openLaneWorld();
  const history = new History(seed);
  history.grow(60);
  const lives = 4 + history.below(6);
  for (let i = 0; i < lives; i++) await live(world, history, isFolding);
  history.finish();
  const { log, deadLetters } = history;
  const last = await world.start({ plan, log, deadLetters, options: { keepRepeats: !isFolding } });
  await last.caughtUp();
  await last.stop();
  expect(history.putAside).toEqual(history.bad);
  const expected = storyOfLog(history);
  const written = storyOfLedger(await world.statements());
  if (!isFolding) expect(written).toEqual(expected);
  else for (const [id, changes] of expected) expectFolded(written.get(id) ?? [], changes);
  const rows = new Map(world.rows().map(({ id, n }) => [String(id), Number(n)]));
  const left = new Map<string, number>();
  for (const [id, changes] of expected) {
    const last = changes.at(-1);
    if (typeof last === "number") left.set(id, last);
  }
  expect(rows).toEqual(left);
  const { positions } = await world.cookie(plan);
  for (const place of plan.partitions) {
    const end = history.log.end(place);
    expect(positions.get(ITEM)?.get(place.partition)).toBe(end);
  }
}

/** Some of the changes in their order, none twice, and the last. */
function expectFolded(written: readonly (number | "gone")[], changes: readonly (number | "gone")[]): void {
  let at = -1;
  for (const change of written) {
    at = changes.indexOf(change, at + 1);
    expect(at).toBeGreaterThanOrEqual(0);
  }
  expect(written.at(-1)).toBe(changes.at(-1));
}
