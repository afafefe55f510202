/** R28 by simulation: a fleet of Reflectors that restart together, in one process, on a counting ledger and store. */
import { expect, test } from "bun:test";
import type { LedgerSource } from "../../../core/ledger/entry.ts";
import { type Clock, systemClock } from "../../../core/process/clock.ts";
import { toSequence } from "../../../core/sequence.ts";
import type { SnapshotSource } from "../../../snapshot/download/contract.ts";
import { storeSnapshots } from "../../support/make-snapshot.ts";
import { seededRandom } from "../../support/suite.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import type { TestReflector } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { bootstrapping, snapshotAt, sourceInProcess } from "./harness.ts";

const FLEET = 100;
const JITTER_MS = 1_000;
const LENGTH = 200;
const SNAPSHOT_AT = LENGTH - 10;
/** Judged twice by two questions each; then the ledger is met, and followed to its end. */
const QUESTIONS_PER_HOST = 7;

/** Counts what is asked, and how much of it at the same time. */
class Meter {
  questions = 0;
  most = 0;
  #running = 0;

  async count<T>(ask: () => Promise<T>): Promise<T> {
    this.questions += 1;
    this.#running += 1;
    this.most = Math.max(this.most, this.#running);
    try {
      return await ask();
    } finally {
      this.#running -= 1;
    }
  }
}

function counted(ledger: MemoryLedger, meter: Meter): LedgerSource {
  return {
    describe: () => meter.count(() => ledger.describe()),
    poll: (after, limit) => meter.count(() => ledger.poll(after, limit)),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A clock whose pauses up to the jitter are not waited for, and are told: a hundred hosts in one process are late anyway. */
function clockThatTells(onPause: (ms: number) => void): Clock {
  return {
    ...systemClock,
    async sleep(ms, signal) {
      const isJitter = ms < JITTER_MS && ms % 1 !== 0;
      if (isJitter) onPause(ms);
      await systemClock.sleep(isJitter ? 0 : ms, signal);
    },
  };
}

async function worldOf(folder: TempFolder): Promise<{ ledger: MemoryLedger; url: string }> {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < LENGTH; key++) ledger.append(put(key, "v"));
  const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, SNAPSHOT_AT)]);
  ledger.prunedBelow = toSequence(LENGTH - 50);
  return { ledger, url };
}

test(`R28 ${FLEET} Reflectors that restart together spread over the jitter's time, and ask little of ledger and store`, async () => {
  using folder = tempFolder("fleet");
  const { ledger, url } = await worldOf(folder);
  const [questions, lists, fetches] = [new Meter(), new Meter(), new Meter()];
  const inProcess = sourceInProcess(url);
  const snapshots: SnapshotSource = {
    url,
    list: (signal) => lists.count(() => inProcess.list(signal)),
    fetch: (entry, request) => fetches.count(() => inProcess.fetch(entry, request)),
  };
  const random = seededRandom(1);
  const pausesMs: number[] = [];
  const startHost = (host: number): Promise<TestReflector> => {
    const firstPause = clockThatTells((ms) => {
      pausesMs[host] ??= ms;
    });
    return bootstrapping({
      ledger: counted(ledger, questions),
      folder: folder.file(`host-${host}`),
      url,
      snapshots,
      bootstrap: { jitterMs: JITTER_MS },
      // What is asked after it has caught up is not what this is about.
      options: { pollIntervalMs: 60_000 },
      deps: { random, clock: firstPause },
    });
  };
  const fleet = await Promise.all(Array.from({ length: FLEET }, (_, host) => startHost(host)));
  await Promise.all(fleet.map((reflector) => reflector.applies(ledger.head)));
  await Promise.all(fleet.map((reflector) => reflector.stop()));

  expect({ lists: lists.questions, fetches: fetches.questions }).toEqual({ lists: FLEET, fetches: FLEET });
  expect(questions.questions).toBeLessThanOrEqual(QUESTIONS_PER_HOST * FLEET);
  const tenths = Array.from({ length: 10 }, (_, tenth) => {
    return pausesMs.filter((ms) => Math.floor((10 * ms) / JITTER_MS) === tenth).length;
  });
  console.log(
    `R28: ${questions.questions / FLEET} questions a host; arrivals by tenths of the jitter: ${tenths.join(" ")}`,
  );
  expect(tenths.reduce((sum, hosts) => sum + hosts)).toBe(FLEET);
  expect(Math.max(...tenths)).toBeLessThan(FLEET / 4);
  expect(Math.min(...tenths)).toBeGreaterThan(0);
}, 60_000);
