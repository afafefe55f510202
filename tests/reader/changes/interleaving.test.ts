/**
 * D17: the writer goes on between any two looks of a follower at the disk: it appends, begins the next file once or more
 * often, removes old ones, is restarted, or begins a new history. What is told must be the ledger all the same.
 */
import { expect, mock, test } from "bun:test";
import * as nodeFs from "node:fs";
import { join } from "node:path";
import { parseCursor } from "../../../core/changelog/cursor.ts";
import { ChangelogFiles } from "../../../reader/changes/changelog-files.ts";
import { ChangesFollower } from "../../../reader/changes/follower.ts";
import { type FollowerDeps, oldestPlace, placeNow } from "../../../reader/changes/places.ts";
import { openReader } from "../../../reader/index.ts";
import { sequenceOrNull } from "../../../reader/wait.ts";
import { openTestWriter, type TestWriter } from "../../reflector/changelog/harness.ts";
import { referenceLines } from "../../reflector/changelog/reference.ts";
import type { MemoryLedger } from "../../reflector/memory-ledger.ts";
import { randomLedger } from "../../reflector/random-ledger.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const real = { ...nodeFs };
const LOOKS = ["openSync", "statSync", "fstatSync", "readSync", "readdirSync"] as const;
const STATEMENTS = 250;

/** Calls back before each look at the disk, but for those that are made meanwhile. */
function betweenLooks(work: () => void): Disposable {
  let isInside = false;
  const looks = LOOKS.map((name) => [
    name,
    (...args: unknown[]) => {
      if (!isInside) {
        isInside = true;
        try {
          work();
        } finally {
          isInside = false;
        }
      }
      return (real[name] as (...given: unknown[]) => unknown)(...args);
    },
  ]);
  const mocked = { ...real, ...Object.fromEntries(looks) };
  mock.module("node:fs", () => mocked);
  return { [Symbol.dispose]: () => mock.module("node:fs", () => real) };
}

interface Settings {
  readonly files: number;
  readonly resets: boolean;
}

/** The writer, a few transactions at a time. */
class Progress implements Disposable {
  readonly #folder: string;
  readonly #random: () => number;
  readonly #settings: Settings;
  readonly #whole: MemoryLedger;
  #writer: TestWriter;

  constructor(folder: string, whole: MemoryLedger, random: () => number, settings: Settings) {
    this.#folder = folder;
    this.#whole = whole;
    this.#random = random;
    this.#settings = settings;
    this.#writer = this.#open();
  }

  get isDone(): boolean {
    return this.#writer.writer.position.sequence === this.#whole.head;
  }

  #open(): TestWriter {
    const { files } = this.#settings;
    return openTestWriter(this.#folder, { fileBytes: 350, files, transactionStatements: 1 });
  }

  step(): void {
    const dice = this.#random();
    if (dice < 0.6 || this.isDone) return;
    if (dice > 0.99) this.#restart();
    if (dice > 0.98 && this.#settings.resets) real.rmSync(join(this.#folder, "change.log"), { force: true });
    const until = Number(this.#writer.writer.position.sequence) + Math.ceil(this.#random() ** 4 * 30);
    this.#writer.apply(this.#whole.restoredAt(boundary(this.#whole, until)));
  }

  #restart(): void {
    if (this.#random() < 0.5) this.#writer.stop();
    else this.#writer.abandon();
    this.#writer = this.#open();
  }

  [Symbol.dispose](): void {
    this.#writer.stop();
  }
}

/** The first sequence from there on that lies outside a ledger transaction. */
function boundary({ entries, head }: MemoryLedger, from: number): number {
  let inside = false;
  for (const { sequence, statement } of entries) {
    if (statement.startsWith("---")) inside = statement.endsWith("BEGIN");
    if (!inside && Number(sequence) >= from) return Number(sequence);
  }
  return Number(head);
}

/** Follows to the end, begun anew now and then. @returns what was told after each break, and after its place */
function follow(deps: FollowerDeps, random: () => number, isDone: () => boolean) {
  const first = random() < 0.5 ? oldestPlace(deps) : placeNow(deps);
  const segments: { since: bigint; told: bigint[] }[] = [{ since: first.sequence, told: [] }];
  let follower = new ChangesFollower(deps, first);
  for (;;) {
    const wasDone = isDone();
    const step = follower.next();
    if (step.kind === "break") segments.push({ since: step.sequence, told: [] });
    else if (step.kind === "transaction") segments.at(-1)?.told.push(...step.lines.map(({ seq }) => seq));
    else if (step.kind === "idle" && wasDone) break;
    const { cursor } = follower;
    if (random() < 0.02 && cursor !== null) {
      follower.close();
      follower = new ChangesFollower(deps, parseCursor(cursor));
    }
  }
  follower.close();
  return segments;
}

function run(seed: number, settings: Settings): number {
  const random = seededRandom(seed);
  using folder = tempFolder("changes-interleaving");
  const ledger = randomLedger(seed, STATEMENTS);
  const expected = referenceLines(ledger.entries).map(({ seq }) => BigInt(seq));
  using progress = new Progress(folder.path, ledger, random, settings);
  using reader = openReader({ path: folder.path });
  const deps: FollowerDeps = {
    files: new ChangelogFiles(join(folder.path, "change.log")),
    ldb: { sequence: () => sequenceOrNull(() => reader.getLastSequence()), follow: () => {} },
  };
  using _between = betweenLooks(() => progress.step());
  const segments = follow(deps, random, () => progress.isDone);
  segments.forEach(({ since, told }, i) => {
    const after = expected.filter((sequence) => sequence > since);
    const isLast = i === segments.length - 1;
    expect([seed, since, told]).toEqual([seed, since, isLast ? after : after.slice(0, told.length)]);
  });
  return segments.length - 1;
}

const RUNS = runsOf({ quick: 25, deep: 600 });

test("D17 each change comes once, and nothing is to be forgotten, when the writer goes on between two looks", () => {
  const seed = suiteSeed();
  for (let i = 0; i < RUNS; i++)
    expect([seed + i, run(seed + i, { files: 1_000, resets: false })]).toEqual([seed + i, 0]);
});

test("D17 what is told after a break misses and doubles nothing when files are removed and histories begin between two looks", () => {
  const seed = suiteSeed();
  let breaks = 0;
  for (let i = 0; i < RUNS; i++) breaks += run(seed + i, { files: 1, resets: true });
  expect(breaks).toBeGreaterThan(RUNS / 5);
});
