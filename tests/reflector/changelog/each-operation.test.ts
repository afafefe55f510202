/**
 * D17 R11: the writer is killed at each of its operations on files, one after another, and at each of those by which it
 * goes on afterwards. The changelog must be what it would have been, and who follows it all the time, or begins at any
 * of these moments, must be told each change once and never to forget anything.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { isCtlstoreError } from "../../../core/errors.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { ignoreCrashPoint } from "../../../ldb/crash-points.ts";
import { onLdbFiles } from "../../../ldb/file-errors.ts";
import { openLdbFolder } from "../../../ldb/ldb-folder.ts";
import { ChangelogFiles } from "../../../reader/changes/changelog-files.ts";
import { ChangesFollower } from "../../../reader/changes/follower.ts";
import { type FollowerDeps, oldestPlace, placeNow } from "../../../reader/changes/places.ts";
import { openReader } from "../../../reader/index.ts";
import type { LdbReader } from "../../../reader/types.ts";
import { sequenceOrNull } from "../../../reader/wait.ts";
import { runsOf, suiteSeed } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { changeLog, openTestWriter, type TestWriter, type TestWriterOptions } from "./harness.ts";
import { type Kill, KilledFiles } from "./killed-files.ts";
import { referenceLines } from "./reference.ts";

/** A few transactions, with two rotations. */
const SETTINGS: TestWriterOptions = { fileBytes: 450, files: 100, transactionStatements: 1 };

function sampleLedger(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < 4; key++) {
    ledger.append(put(key, "a"));
    ledger.appendTransaction(put(1, `b${key}`), put(key, "c"), put(9, "d"));
  }
  return ledger;
}

/** Follows from the first moment at which there is something to follow, looking whenever it is told to. */
class Witness {
  readonly told: number[] = [];
  readonly breaks: string[] = [];
  readonly #folder: string;
  #follower: ChangesFollower | null = null;
  #reader: LdbReader | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  look(): void {
    const follower = this.#follower ?? this.#begin();
    if (follower !== null) drain(follower, this.told, this.breaks);
  }

  #begin(): ChangesFollower | null {
    const deps = this.deps();
    using newest = deps.files.newest();
    if (newest === null) return null;
    this.#follower = new ChangesFollower(deps, oldestPlace(deps));
    return this.#follower;
  }

  deps(): FollowerDeps {
    this.#reader ??= openReader({ path: this.#folder });
    const reader = this.#reader;
    return {
      files: new ChangelogFiles(join(this.#folder, "change.log")),
      ldb: { sequence: () => sequenceOrNull(() => reader.getLastSequence()), follow: () => {} },
    };
  }

  /** Begins at the oldest change, and now: the changes that are told, and those that are passed over. */
  newcomer(): number[] {
    const deps = this.deps();
    using latest = deps.files.latest();
    if (latest === null) return [];
    const found: number[] = [];
    for (const place of [oldestPlace(deps), placeNow(deps)]) {
      const follower = new ChangesFollower(deps, place);
      const told: number[] = [];
      drain(follower, told, this.breaks);
      follower.close();
      if (place.sequence === 0n) found.push(...told);
    }
    return found;
  }

  close(): void {
    this.#follower?.close();
    this.#reader?.close();
  }
}

function drain(follower: ChangesFollower, told: number[], breaks: string[]): void {
  for (let step = follower.next(); step.kind !== "idle"; step = follower.next()) {
    if (step.kind === "break") breaks.push(step.reason);
    else if (step.kind === "transaction") told.push(...step.lines.map(({ seq }) => Number(seq)));
  }
}

class World implements Disposable {
  readonly ledger = sampleLedger();
  readonly expected = referenceLines(this.ledger.entries);
  readonly files = new KilledFiles();
  readonly #folder = tempFolder("changelog-operations");
  readonly witness = new Witness(this.#folder.path);
  readonly newcomers: number[][] = [];
  #writer: TestWriter | null = null;

  constructor() {
    const deps = { clock: systemClock, logger: silentLogger, onPoint: ignoreCrashPoint };
    openLdbFolder(this.#folder.path, deps).database.close();
    this.files.onOperation = () => {
      this.witness.look();
      this.newcomers.push(this.witness.newcomer());
    };
  }

  /** True when the kill came before all was written. */
  write(kill: Kill): boolean {
    const isKilled = this.files.run(kill, () => {
      const onPoint = (point: string) => {
        if (point === "changelog-pending") onLdbFiles("commit", () => this.files.pass());
      };
      const writer = this.#open({ ...SETTINGS, onPoint });
      this.#apply(writer);
      writer.stop();
    });
    if (isKilled && kill.fails === undefined) this.#writer?.abandon();
    this.#writer = null;
    this.files.bury();
    return isKilled;
  }

  #open(options: TestWriterOptions): TestWriter {
    this.#writer = again(() => openTestWriter(this.#folder.path, options));
    return this.#writer;
  }

  /** As the Reflector's loop does it: undone, and tried again. */
  #apply(writer: TestWriter): void {
    again(() => {
      try {
        writer.apply(this.ledger);
        writer.writer.beginBlock([]);
      } catch (error) {
        writer.writer.rollback();
        throw error;
      }
    });
  }

  check(what: string): void {
    this.witness.look();
    const { lines, histories } = changeLog(this.#folder.path);
    expect({ what, lines }).toEqual({ what, lines: [...this.expected] });
    const sequences = this.expected.map(({ seq }) => seq);
    const { told, breaks } = this.witness;
    expect({ what, told, breaks }).toEqual({ what, told: sequences, breaks: [] });
    expect({ what, histories: new Set(histories).size }).toEqual({ what, histories: 1 });
    for (const newcomer of this.newcomers) {
      expect({ what, newcomer }).toEqual({ what, newcomer: sequences.slice(0, newcomer.length) });
    }
  }

  [Symbol.dispose](): void {
    this.witness.close();
    this.files[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** Until the disk is well. */
function again<Result>(work: () => Result): Result {
  for (let tries = 0; ; tries++) {
    try {
      return work();
    } catch (error) {
      if (!isCtlstoreError(error) || error.code !== "ldb_unavailable" || tries > 10) throw error;
    }
  }
}

const NEVER: Kill = { after: Number.POSITIVE_INFINITY, byHalf: false };

/** @returns whether the failure came */
function failed(after: number, times: number): boolean {
  using world = new World();
  const kill: Kill = { after, byHalf: true, fails: { code: "EIO", times } };
  const came = world.write(kill);
  world.write(NEVER);
  world.check(`failures ${JSON.stringify(kill)}`);
  return came;
}

/** All that is asked of one world. @returns whether each kill came */
function killed(first: Kill, second: Kill): { first: boolean; second: boolean } {
  using world = new World();
  const cameFirst = world.write(first);
  const cameSecond = cameFirst && world.write(second);
  if (cameSecond || cameFirst) world.write(NEVER);
  world.check(`kills ${JSON.stringify([first, second])}`);
  return { first: cameFirst, second: cameSecond };
}

/** In the quick suite some of the operations, others each time. */
const stride = runsOf({ quick: 5, deep: 1 });
const first = suiteSeed() % stride;

for (const byHalf of [false, true]) {
  test(`D17 R11 nothing is missing or doubled when the writer is killed at any operation on files${byHalf ? ", in the middle of it" : ""}`, () => {
    let after = first;
    while (killed({ after, byHalf }, NEVER).first) after += stride;
    expect(after).toBeGreaterThan(60);
  });
}

test("D17 R11 nothing is missing or doubled when the writer is killed again while it goes on", () => {
  const times = runsOf({ quick: 3, deep: 40 });
  let kills = 0;
  for (let after = first; killed({ after, byHalf: true }, NEVER).first; after += 5 * stride) {
    for (let again = first; again < times * stride; again += stride) {
      if (killed({ after, byHalf: true }, { after: again, byHalf: again % 2 === 0 }).second) kills += 1;
    }
  }
  expect(kills).toBeGreaterThan(5);
});

test("R13 D17 nothing is missing or doubled when the disk fails at any operation on files, once or a few times", () => {
  for (const times of [1, 3]) {
    let after = first;
    while (failed(after, times)) after += stride;
    expect(after).toBeGreaterThan(60);
  }
});
