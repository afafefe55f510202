/** Random histories with snapshots: nothing that the origin has is ever taken for vanished, in any order of reading. */
import { describe, expect, test } from "bun:test";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import { change, GRACE_MS, keyText, SnapshotWorld } from "./snapshot-world.ts";

const RUNS = runsOf({ quick: 300, deep: 20_000 });

interface History {
  readonly world: SnapshotWorld;
  /** Keys of rows that went while nobody wrote it into the log; and of those, the ones that did not come again. */
  readonly lost: readonly string[];
  readonly vanished: readonly string[];
  /** Keys of the origin's rows in the end. */
  readonly rows: readonly string[];
}

function history(random: () => number, partitions: number): History {
  const world = new SnapshotWorld({ partitions });
  const rows = new Set<string>();
  const vanished = new Set<string>();
  let timeMs = 1_000;
  const write = (what: Parameters<SnapshotWorld["produce"]>[0], id: string) => {
    timeMs += 1 + Math.floor(random() * 5);
    world.produce(what, { partition: id.charCodeAt(0) % partitions, timestampMs: timeMs });
  };
  const binlog = (events: number) => {
    for (let i = 0; i < events; i++) {
      const id = String.fromCharCode(97 + Math.floor(random() * 20));
      if (random() < 0.35) {
        if (rows.delete(id)) write(change("delete", id), id);
      } else {
        write(change(rows.has(id) ? "update" : "create", id), id);
        rows.add(id);
        vanished.delete(id);
      }
    }
  };
  const snapshot = () => {
    const ids = [...rows].toSorted();
    const cut = random() < 0.3 ? Math.floor(random() * ids.length) : ids.length;
    for (const [i, id] of ids.slice(0, cut).entries())
      write(change("read", id, i === 0 ? "first" : i === ids.length - 1 ? "last" : "within"), id);
    return cut === ids.length;
  };
  binlog(30);
  // The binlog is lost, and rows go meanwhile; an interrupted snapshot is begun again.
  for (const id of [...rows]) {
    if (rows.size < 3 || random() > 0.3) continue;
    rows.delete(id);
    vanished.add(id);
  }
  while (!snapshot()) {}
  const lost = [...vanished].map(keyText);
  binlog(Math.floor(random() * 15));
  return { world, lost, vanished: [...vanished].map(keyText), rows: [...rows].map(keyText) };
}

/** Reads everything, partitions in any order, with restarts. */
function readAll(world: SnapshotWorld, random: () => number, restarts: number): void {
  let nowMs = 0;
  for (;;) {
    const unread = world.partitions.filter((partition) => world.unread(partition) > 0);
    const partition = unread[Math.floor(random() * unread.length)];
    if (partition === undefined) break;
    for (let burst = random() * 12; burst > 0; burst--) world.read(partition);
    if (random() < restarts) world.restart();
    nowMs += 1;
    world.tick(nowMs);
  }
  world.tick(nowMs + 1);
  world.tick(nowMs + 1 + 2 * GRACE_MS);
}

describe("R32 random histories", () => {
  test("all that vanished is found and nothing else, when the topic has one partition and the loader restarts anywhere", () => {
    const first = suiteSeed();
    for (let run = 0; run < RUNS; run++) {
      const seed = first + run;
      const random = seededRandom(seed);
      const { world, lost, vanished } = history(random, 1);
      readAll(world, random, 0.2);
      expect(
        world.outcomes.filter((outcome) => outcome !== "started-over"),
        `seed ${seed}`,
      ).toEqual(["whole"]);
      const found = world.vanished();
      // One that came again after the snapshot is written again after the work.
      expect(
        found.filter((key) => !lost.includes(key)),
        `seed ${seed}`,
      ).toEqual([]);
      expect(
        vanished.filter((key) => !found.includes(key)),
        `seed ${seed}`,
      ).toEqual([]);
    }
  });

  test("nothing that the origin has is taken for vanished, when partitions are read in any order", () => {
    const first = suiteSeed() + 1_000_000;
    const outcomes = new Map<string, number>();
    for (let run = 0; run < RUNS; run++) {
      const seed = first + run;
      const random = seededRandom(seed);
      const { world, vanished, rows } = history(random, 3);
      readAll(world, random, run % 2 === 0 ? 0 : 0.1);
      for (const outcome of world.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (world.tasks.length === 0) continue;
      const found = world.vanished();
      expect(
        found.filter((key) => rows.includes(key)),
        `seed ${seed}`,
      ).toEqual([]);
      expect(
        found.filter((key) => !vanished.includes(key)),
        `seed ${seed}`,
      ).toEqual([]);
    }
    expect(outcomes.get("whole") ?? 0, JSON.stringify([...outcomes])).toBeGreaterThan(RUNS / 3);
  });
});
