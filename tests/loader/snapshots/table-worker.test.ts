/** R32: work on whole tables against a real Executive: what goes, what stays, and what happens when it is cut short. */
import { describe, expect, test } from "bun:test";
import { createClient } from "../../../client/create-client.ts";
import { encodeMutation, type FieldValue } from "../../../client/encode.ts";
import { CtlstoreError } from "../../../core/errors.ts";
import { parseTableSchema, type TableSchema } from "../../../core/schema.ts";
import type { TableTask } from "../../../loader/lanes/units/unit.ts";
import { keyTextOf } from "../../../loader/mapping/key-text.ts";
import type { RowMutation, TableMapping } from "../../../loader/mapping/mapping.ts";
import { ClosedSnapshots } from "../../../loader/snapshots/closed-snapshots.ts";
import { ExecutiveTableWorker } from "../../../loader/snapshots/executive-table-worker.ts";
import { RowMarks } from "../../../loader/snapshots/row-marks.ts";
import { recordingLogger } from "../../reflector/readiness/recording-logger.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../../server/test-app.ts";
import { recordAt } from "../mapped-records.ts";
import { targetOf } from "./snapshot-world.ts";

type Values = Readonly<Record<string, FieldValue>>;

/** Keys of every type; `shard` is a constant of each origin. */
const SCHEMA = parseTableSchema("shop", "sharded", {
  fields: [
    ["note", "text"],
    ["shard", "integer"],
    ["name", "string"],
    ["code", "bytestring"],
    ["big", "integer"],
  ],
  keyFields: ["shard", "name", "code", "big"],
});

function row(name: string, more: Values = {}): Values {
  return { shard: 1, name, code: Uint8Array.of(0, 255), big: 2n ** 53n + 1n, ...more };
}

class World implements AsyncDisposable {
  readonly app: TestApp;
  readonly closed = new ClosedSnapshots();
  readonly counts = new Map<string, number>();
  readonly log = recordingLogger();
  readonly abort = new AbortController();
  batches = 0;
  /** Answered instead of the Executive's own answers, one each. */
  readonly failures: ("away" | "busy")[] = [];
  /** After so many batches the cookie is somebody else's. */
  batchesLeft = Number.POSITIVE_INFINITY;

  private constructor(app: TestApp) {
    this.app = app;
  }

  static async open(): Promise<World> {
    const world = new World(await openTestApp({ destructiveSchemaChanges: true }));
    await world.app.ctldb.createTables([SCHEMA]);
    return world;
  }

  async write(rows: readonly Values[], isDelete = false): Promise<void> {
    for (let at = 0; at < rows.length; at += 100) {
      const mutations = rows
        .slice(at, at + 100)
        .map((values, i) => encodeMutation({ table: "sharded", values, delete: isDelete }, i));
      const answer = await this.app.mutate({ mutations });
      if (answer.status !== 200) throw new Error(answer.text);
    }
  }

  names(shard = 1): unknown[] {
    const rows = this.app.rows(`SELECT name FROM shop___sharded WHERE shard = ${shard} ORDER BY name`);
    return rows.map((each) => (each as { name: string }).name);
  }

  get worker(): ExecutiveTableWorker {
    const count = (name: string, rows: number) => this.counts.set(name, (this.counts.get(name) ?? 0) + rows);
    return new ExecutiveTableWorker({
      closed: this.closed,
      client: createClient("http://localhost", {
        adminToken: ADMIN_TOKEN,
        fetch: (url, init) => this.#fetch(url, init),
      }),
      clock: { nowUs: () => 0, monotonicMs: () => 0, sleep: async (_ms, signal) => signal?.throwIfAborted() },
      logger: this.log.logger,
      meter: {
        snapshot() {},
        vanished: (_family, _table, what, rows) => count(what, rows),
        cleared: (_family, _table, rows) => count("cleared", rows),
      },
    });
  }

  /** The end of a snapshot that had these rows. */
  whole(rows: readonly Values[], target: TableMapping): TableTask {
    const task: TableTask = {
      kind: "vanished",
      target,
      record: recordAt({ topic: target.topic, partition: 0, offset: 9 }),
    };
    const marks = new RowMarks();
    marks.take(
      0,
      rows.map((values) => upsert(target.schema ?? SCHEMA, values)),
    );
    this.closed.put(task, marks);
    return task;
  }

  run(task: TableTask, worker = this.worker): Promise<void> {
    return worker.run(task, {
      signal: this.abort.signal,
      write: async (mutations) => {
        if (this.batches >= this.batchesLeft) throw new CtlstoreError("cookie_conflict", "somebody else's");
        this.batches += 1;
        expect(mutations.length).toBeLessThanOrEqual(100);
        await this.write(
          mutations.map(({ values }) => values),
          true,
        );
      },
    });
  }

  async #fetch(url: string, init: RequestInit | undefined): Promise<Response> {
    const failure = this.failures.shift();
    if (failure === "away") throw new TypeError("connection refused");
    if (failure === "busy") {
      const error = { error: { code: "overloaded", message: "busy" } };
      return Response.json(error, { status: 503, headers: { "retry-after": "1" } });
    }
    return this.app.app.handle(new Request(url, init));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app[Symbol.asyncDispose]();
  }
}

function upsert(schema: TableSchema, values: Values): RowMutation {
  return { family: "shop", table: "sharded", delete: false, values, keyText: keyTextOf(schema, values) };
}

function sharded(parts: Partial<TableMapping> = {}): TableMapping {
  return targetOf({ table: "sharded", schema: SCHEMA, constants: new Map([["shard", 1]]), ...parts });
}

const NAMES = Array.from({ length: 350 }, (_, i) => `row-${String(i).padStart(3, "0")}`);

describe("R32 rows that vanished", () => {
  test("are deleted in batches, those that came with the snapshot and those of other origins stay", async () => {
    await using world = await World.open();
    await world.write([
      ...NAMES.map((name) => row(name)),
      row("other", { shard: 2 }),
      row("row-000", { shard: 2 }),
    ]);
    const kept = NAMES.filter((_, i) => i % 7 === 0);
    const { worker } = world;
    await world.run(
      world.whole(
        kept.map((name) => row(name)),
        sharded(),
      ),
      worker,
    );
    expect(world.names()).toEqual(kept);
    expect(world.names(2)).toEqual(["other", "row-000"]);
    expect([world.batches, world.counts.get("deleted")]).toEqual([3, 300]);
    expect(worker.reports).toMatchObject([{ table: "sharded", work: "deleted", rows: 300 }]);
  });

  test("are named and counted, and stay, when the mapping says to report them", async () => {
    await using world = await World.open();
    await world.write(NAMES.slice(0, 8).map((name) => row(name)));
    await world.run(world.whole([row("row-003")], sharded({ vanishedRows: "report" })));
    expect(world.names()).toHaveLength(8);
    expect([world.batches, world.counts.get("reported")]).toEqual([0, 7]);
    const told = world.log.lines.find(({ message }) => message.includes("report"));
    expect(told?.fields).toMatchObject({ rows: 8, vanished: 7, family: "shop", table: "sharded" });
    expect(told?.fields["keys"]).toHaveLength(5);
  });

  test("stay when they are more than the mapping allows to be swept: half a snapshot is no true picture (R41)", async () => {
    await using world = await World.open();
    await world.write([...NAMES.slice(0, 40).map((name) => row(name)), row("other", { shard: 2 })]);
    const { worker } = world;
    const kept = NAMES.slice(0, 19).map((name) => row(name));
    await world.run(world.whole(kept, sharded({ sweepAtMostPercent: 50 })), worker);
    expect(world.names()).toHaveLength(40);
    expect([world.batches, world.counts.get("held-back"), world.counts.get("deleted")]).toEqual([
      0,
      21,
      undefined,
    ]);
    expect(worker.reports).toMatchObject([{ work: "held-back", rows: 21 }]);
    expect(world.log.lines.find(({ level }) => level === "error")?.fields).toMatchObject({
      rows: 40,
      vanished: 21,
    });
  });

  test("go when they are just what the mapping allows, and when they are few", async () => {
    await using world = await World.open();
    await world.write(NAMES.slice(0, 40).map((name) => row(name)));
    const half = NAMES.slice(0, 20).map((name) => row(name));
    await world.run(world.whole(half, sharded({ sweepAtMostPercent: 50 })));
    expect(world.names()).toHaveLength(20);
    const ten = NAMES.slice(0, 10).map((name) => row(name));
    await world.run(world.whole(ten, sharded({ sweepAtMostPercent: 0 })));
    expect(world.names()).toHaveLength(10);
  });

  test("I12 keys of every type are told apart exactly", async () => {
    await using world = await World.open();
    const bases = [
      row("a"),
      row("a\u0000"),
      row("a", { code: Uint8Array.of() }),
      row("a", { big: 2n ** 53n }),
      row("A"),
    ];
    await world.write([...bases, row("gone", { big: -(2n ** 63n) })]);
    await world.run(world.whole(bases, sharded()));
    expect(world.counts.get("deleted")).toBe(1);
    expect(world.names()).not.toContain("gone");
  });

  test("are deleted in the end when the work was cut short and is done again", async () => {
    await using world = await World.open();
    await world.write(NAMES.map((name) => row(name)));
    const task = world.whole([row("row-349")], sharded());
    world.batchesLeft = 2;
    const failure = await world.run(task).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "cookie_conflict" });
    expect(world.names()).toHaveLength(150);
    world.batchesLeft = Number.POSITIVE_INFINITY;
    await world.run(task);
    expect(world.names()).toEqual(["row-349"]);
    // Done is done.
    await world.run(task);
    expect(world.names()).toEqual(["row-349"]);
  });

  test("wait while the Executive is away or busy, and stop waiting when the lane ends", async () => {
    await using world = await World.open();
    await world.write([row("a"), row("b")]);
    world.failures.push("away", "busy", "away");
    await world.run(world.whole([row("a")], sharded()));
    expect(world.names()).toEqual(["a"]);
    world.failures.push(...Array.from({ length: 1_000 }, () => "away" as const));
    world.abort.abort(new Error("the lane ends"));
    const failure = await world.run(world.whole([], sharded())).catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: "the lane ends" });
    expect(world.names()).toEqual(["a"]);
  });

  test("are gone with their table", async () => {
    await using world = await World.open();
    await world.app.ctldb.dropTable(SCHEMA.family, SCHEMA.table);
    await world.run(world.whole([], sharded()));
    expect(world.log.lines.map(({ message }) => message).join()).toContain("does not exist any more");
  });
});

test("a truncated table is cleared of its origin's rows", async () => {
  await using world = await World.open();
  await world.write([row("a"), row("b"), row("a", { shard: 2 })]);
  const target = sharded();
  const record = recordAt({ topic: target.topic, partition: 0, offset: 3 });
  await world.run({ kind: "clear", target, record });
  expect([world.names(), world.names(2), world.counts.get("cleared")]).toEqual([[], ["a"], 2]);
});
