/** Executives that are killed again and again under writers and schema changes, and started anew. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createClient, type FetchLike } from "../../client/index.ts";
import { dumpCtlDb } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { checkLedger, readWholeLedger, replayLedger, type WholeLedger } from "../support/replay-ledger.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess, startExecutiveService } from "../support/services.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { batchesInLedger, LOAD_FAMILY, type LoadRecord, prepareLoad, runLoad } from "./many-writers-load.ts";

const KILLS = runsOf({ quick: 4, deep: 100 });
const TIMEOUT_MS = timeoutMsOf({ quick: 120_000, deep: 1_200_000 });
const NAMES = Array.from({ length: 8 }, (_, i) => `writer ${i + 1}`);
/** Names that stand for whichever process serves there now. */
const SLOTS = ["http://first.invalid", "http://second.invalid"] as const;

const CTLDBS = [
  ["one Executive on sqlite", 1, async (folder: string) => `sqlite:${join(folder, "ctldb.db")}`],
  ["two Executives on mariadb", 2, async () => (await sharedMariadb()).createDatabase()],
] as const;

/** Executives that are replaced by new ones, behind names that stay. */
class Executives implements AsyncDisposable {
  readonly names: readonly string[];
  readonly #ctldbUrl: string;
  readonly #services: ServiceProcess[] = [];

  constructor(ctldbUrl: string, count: number) {
    this.#ctldbUrl = ctldbUrl;
    this.names = SLOTS.slice(0, count);
  }

  async start(slot: number): Promise<void> {
    this.#services[slot] = await startExecutiveService(this.#ctldbUrl, ["--destructive-schema-changes"]);
  }

  async kill(slot: number): Promise<void> {
    await this.#services[slot]?.process.kill();
  }

  /** What one wrote that has ended by itself; null while all run. */
  get lastWords(): string | null {
    const ended = this.#services.find(({ process }) => !process.running);
    return ended === undefined ? null : ended.process.stdout + ended.process.stderr;
  }

  url(slot: number): string {
    return this.#services[slot]?.url ?? "";
  }

  /** `fetch` that finds the process behind a name. */
  readonly fetch: FetchLike = (input, init) => {
    const slot = this.names.findIndex((name) => input.startsWith(name));
    return fetch(input.replace(this.names[slot] ?? "", this.url(slot)), init);
  };

  family(slot: number) {
    const options = { adminToken: SERVICE_ADMIN_TOKEN, fetch: this.fetch };
    return createClient(this.names[slot] ?? "", options).families({ family: LOAD_FAMILY });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.#services) await service[Symbol.asyncDispose]();
  }
}

/** Creates, extends and drops tables as fast as it is answered; a request that gets no answer is let go. */
async function changeSchema(executives: Executives, isOver: () => boolean): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    const table = executives.family(n % executives.names.length).tables({ table: `made_${n % 3}` });
    await table.post({ fields: [["id", "string"]], keyFields: ["id"] });
    await table.put({ fields: [[`added_${n}`, "integer"]] });
    if (n % 2 === 0) await table.delete();
  }
}

/** Writes and changes tables while Executives are killed, each at a moment that says nothing about what they do. */
async function runUnderKills(executives: Executives, random: () => number): Promise<LoadRecord> {
  let acknowledged = 0;
  let isOver = false;
  const load = runLoad({
    urls: executives.names,
    names: NAMES,
    isOver: () => isOver,
    fetch: executives.fetch,
    onAcknowledged: () => {
      acknowledged += 1;
    },
  });
  load.catch(() => {}); // it is awaited below, unless something fails before
  const changes = changeSchema(executives, () => isOver);
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const next = acknowledged + 1 + Math.floor(random() * 300);
      const moment = () => acknowledged >= next || executives.lastWords !== null;
      await until(moment, { what: "writes to go on", deadlineMs: 60_000 });
      if (executives.lastWords !== null) throw new Error(`an Executive ended: ${executives.lastWords}`);
      const slot = kill % executives.names.length;
      await executives.kill(slot);
      await executives.start(slot);
    }
  } finally {
    isOver = true;
  }
  await changes;
  return load;
}

/** Each writer's batches are there once, in order, where the answers said. */
function expectBatches(ledger: WholeLedger, { writers }: LoadRecord): void {
  const inLedger = batchesInLedger(ledger.entries);
  for (const { name, sequences } of writers) {
    const batches = inLedger.get(name) ?? [];
    expect(batches.map(({ n }) => n)).toEqual(sequences.map((_, i) => i + 1));
    for (const [i, sequence] of sequences.entries())
      if (sequence !== null) expect(batches[i]?.sequence).toBe(sequence);
  }
}

describe.each([...CTLDBS])("%s", (_name, count, makeUrl) => {
  test(
    "I1 I3 I8 I14, D6 D7, R38: no batch is lost or doubled and ctldb equals its ledger when killed under load",
    async () => {
      using folder = tempFolder("kills");
      const ctldbUrl = await makeUrl(folder.path);
      await using executives = new Executives(ctldbUrl, count);
      for (let slot = 0; slot < count; slot++) await executives.start(slot);
      await prepareLoad(executives.url(0), NAMES);
      const load = await runUnderKills(executives, seededRandom(suiteSeed()));
      // The last schema change may have been left half done: whoever takes the ledger lock next finishes it.
      await executives.family(0).post();
      const ledger = await readWholeLedger(ctldbUrl);
      expect(() => checkLedger(ledger)).not.toThrow();
      expectBatches(ledger, load);
      expect(await dumpCtlDb(ctldbUrl)).toEqual(replayLedger(ledger.entries));
    },
    TIMEOUT_MS,
  );
});
