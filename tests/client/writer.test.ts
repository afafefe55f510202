/** The Writer: exactly once, whatever gets lost on the way (I3, R30). */
import { describe, expect, test } from "bun:test";
import { CtlstoreError, Writer, type WriterMutation, type WriterOptions } from "../../client/index.ts";
import { toSequence } from "../../core/sequence.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openTestApp, type TestApp, type TestAppOptions } from "../server/test-app.ts";
import { seededRandom, suiteSeed } from "../support/suite.ts";
import { type Fault, type FaultyFetch, fastClock, faultyFetch } from "./faulty-fetch.ts";

interface Setup extends AsyncDisposable {
  readonly app: TestApp;
  readonly network: FaultyFetch;
  readonly clock: ReturnType<typeof fastClock>;
  readonly options: WriterOptions;
  /** Ledger entries since the set-up. */
  written(): Promise<number>;
}

async function setUp(appOptions: TestAppOptions = {}): Promise<Setup> {
  const app = await openTestApp(appOptions);
  const network = faultyFetch(app.app);
  const clock = fastClock();
  const start = await app.headSequence();
  return {
    app,
    network,
    clock,
    options: {
      url: "http://localhost",
      writer: "importer",
      secret: "s3cr3t-writer",
      family: "shop",
      fetch: network.fetch,
      clock,
    },
    written: async () => Number((await app.headSequence()) - start),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

const row = (id: number | bigint, label = "x"): WriterMutation => ({
  table: "counter",
  values: { id, label },
});
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (content: string) => new TextEncoder().encode(content);

describe("a batch", () => {
  test("is written, and its sequence returned", async () => {
    await using at = await setUp();
    const writer = new Writer(at.options);
    expect(await writer.write([row(1)])).toEqual({ sequence: 3n, repeated: false });
    expect(await writer.write([row(2), row(3)])).toEqual({ sequence: 7n, repeated: false });
    expect(at.network.requests.length).toBe(3); // the cookie once, and the two batches
  });

  test("I12 keeps bigints, bytes and hostile strings exact", async () => {
    await using at = await setUp();
    const writer = new Writer(at.options);
    const values = {
      name: "a\u0000'\"\\😀",
      order: 2n ** 63n - 1n,
      group: -(2n ** 63n),
      weight: 1e-300,
      note: "2026-11-22T10:57:56.000Z",
      picture: Uint8Array.from({ length: 70_000 }, (_, i) => i % 251),
      checksum: new Uint8Array(),
    };
    await writer.write([{ table: "item", values }]);
    expect(at.app.rows("SELECT * FROM shop___item")).toEqual([values]);
    await writer.write([{ table: "item", values: { ...values, order: 5n, weight: 7n, note: undefined } }]);
    expect(at.app.rows("SELECT * FROM shop___item")).toMatchObject([{ order: 5n, weight: 7, note: null }]);
    await writer.write([{ table: "item", delete: true, values: { name: values.name } }]);
    expect(at.app.rows("SELECT * FROM shop___item")).toEqual([]);
  });

  test("is refused before it is sent when JSON would change a value", async () => {
    await using at = await setUp();
    const writer = new Writer(at.options);
    const bad: unknown[] = [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      new Date(),
      [1],
      { a: 1 },
      Symbol("x"),
      () => 1,
    ];
    for (const value of bad) {
      const mutation = { table: "counter", values: { id: 1, label: value } } as WriterMutation;
      const refused = expect(writer.write([row(1), mutation])).rejects;
      await refused.toMatchObject({ code: "invalid_value", details: { index: 1, field: "label" } });
    }
    expect(at.network.requests).toEqual([]);
  });

  test("that the Executive refuses throws its code, index, field and hint, is not tried again, and the next one goes on", async () => {
    await using at = await setUp();
    const writer = new Writer(at.options);
    const refused = writer.write([row(1), { table: "counter", values: { id: "abc" } }]);
    await expect(refused).rejects.toMatchObject({
      name: "CtlstoreError",
      code: "invalid_value",
      details: { index: 1, field: "id" },
    });
    await expect(refused).rejects.toBeInstanceOf(CtlstoreError);
    await writer.write([row(1)]);
    expect(at.network.requests.length).toBe(3);
  });

  test("with wrong credentials throws bad_credentials at once", async () => {
    await using at = await setUp();
    const writer = new Writer({ ...at.options, secret: "s3cr3t-wrong" });
    await expect(writer.write([row(1)])).rejects.toMatchObject({ code: "bad_credentials" });
    expect(at.clock.sleptMs).toEqual([]);
  });
});

describe("cookies", () => {
  test("R9 and sequences beyond 2^53 arrive exactly", async () => {
    const sequence = toSequence(2n ** 53n + 1n);
    const wrap = (ctldb: CtlDb): CtlDb =>
      new Proxy(ctldb, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name, target);
          if (name === "write") return async () => ({ sequence });
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
    await using at = await setUp({ wrap });
    expect((await at.app.mutate({ mutations: [] })).json).toEqual({ sequence: "9007199254740993" });
    expect(await new Writer(at.options).write([row(1)])).toEqual({ sequence, repeated: false });
  });

  test("of the caller are stored with the batch, and read back by the next Writer", async () => {
    await using at = await setUp();
    await new Writer(at.options).write([row(1)], { cookie: bytes("offset 17") });
    const next = new Writer(at.options);
    expect(text(await next.readCookie())).toBe("offset 17");
    await next.write([row(2)], { cookie: bytes("offset 18") });
    expect(text(await next.readCookie())).toBe("offset 18");
  });

  test("that are stored already are refused: the batch was written before", async () => {
    await using at = await setUp();
    await new Writer(at.options).write([row(1)], { cookie: bytes("offset 17") });
    const replay = new Writer(at.options).write([row(1)], { cookie: bytes("offset 17") });
    await expect(replay).rejects.toMatchObject({ code: "invalid_value", details: { field: "cookie" } });
    expect(await at.written()).toBe(1);
  });

  test("that are made are never the same twice, also by two Writers", async () => {
    await using at = await setUp();
    const seen = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const writer = new Writer(at.options);
      for (let j = 0; j < 3; j++) {
        await writer.write([row(j)]);
        seen.add(text(await writer.readCookie()));
      }
    }
    expect(seen.size).toBe(12);
  });

  test("R30 two Writers of one name: the one that is behind gets cookie_conflict and writes nothing", async () => {
    await using at = await setUp();
    const [first, second] = [new Writer(at.options), new Writer(at.options)];
    await first.readCookie();
    await second.readCookie();
    const outcomes = await Promise.allSettled([first.write([row(1)]), second.write([row(1)])]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const rejected = outcomes.find(({ status }) => status === "rejected");
    expect(rejected).toMatchObject({ reason: { code: "cookie_conflict" } });
    expect(await at.written()).toBe(1);
  });
});

describe("retries", () => {
  const repeated: ReadonlyArray<readonly [name: string, faults: Fault[], repeated: boolean]> = [
    ["the request is lost", ["lose-request"], false],
    ["the answer is lost", ["lose-answer"], true],
    ["a proxy spoils the answer", ["spoil-answer"], true],
    ["the Executive cannot tell", ["unknown"], true],
    ["the answer is lost twice", ["lose-answer", "lose-answer"], true],
    ["the answer is lost, then the Executive is busy", ["lose-answer", "busy", "limited"], true],
    [
      "the answer is lost, and so is that of the question about it",
      ["lose-answer", "none", "lose-answer", "lose-request"],
      true,
    ],
    ["the Executive is busy", ["busy", "busy"], false],
    ["the rate is limited", ["limited"], false],
  ];
  for (const [name, faults, isRepeated] of repeated) {
    test(`write a batch once when ${name}`, async () => {
      await using at = await setUp();
      const writer = new Writer(at.options);
      await writer.readCookie();
      at.network.faults.push(...faults);
      expect(await writer.write([row(1)])).toEqual({ sequence: 3n, repeated: isRepeated });
      expect(await at.written()).toBe(1);
      expect(await writer.write([row(2)])).toEqual({ sequence: 4n, repeated: false });
    });
  }

  test("wait as long as Retry-After says, and longer each time otherwise", async () => {
    await using at = await setUp();
    const writer = new Writer({ ...at.options, random: () => 0.999 });
    await writer.readCookie();
    at.network.faults.push("busy", "busy", "limited", "busy");
    await writer.write([row(1)]);
    expect(at.clock.sleptMs).toEqual([100, 200, 2000, 800]);
  });

  test("end after retryForMs: with commit_outcome_unknown when it may have been written, and the next write recovers", async () => {
    await using at = await setUp();
    const writer = new Writer({ ...at.options, retryForMs: 0 });
    await writer.readCookie();
    at.network.faults.push("lose-answer");
    const lost = writer.write([row(1)], { cookie: bytes("one") });
    await expect(lost).rejects.toMatchObject({ code: "commit_outcome_unknown" });
    await writer.write([row(2)], { cookie: bytes("two") });
    at.network.faults.push("busy");
    await expect(writer.write([row(3)])).rejects.toMatchObject({ code: "ctldb_unavailable" });
    await writer.write([row(3)]);
    expect(await at.written()).toBe(3);
  });

  test("end at once on a proxy's refusal, and go on after its 429", async () => {
    await using at = await setUp();
    const statuses = [429, 408, 403];
    const writer = new Writer({
      ...at.options,
      fetch: async (input, init) => {
        const status = init?.method === "POST" ? statuses.shift() : undefined;
        return status === undefined
          ? at.network.fetch(input, init)
          : new Response("<html>no</html>", { status });
      },
    });
    // After the 408 the batch might have been written: the Writer finds out that it was not.
    await expect(writer.write([row(1)])).rejects.toMatchObject({ code: "internal" });
    expect(at.clock.sleptMs).toHaveLength(2);
    expect(await at.written()).toBe(0);
    await writer.write([row(1)]);
  });

  test("do not take somebody else's batch for their own", async () => {
    await using at = await setUp();
    const writer = new Writer(at.options);
    await writer.readCookie();
    const send = at.options.fetch;
    let calls = 0;
    const intruding = new Writer({
      ...at.options,
      // The first attempt is lost on its way, and before the second one another Writer moves the cookie.
      fetch: async (input, init) => {
        if (init?.method === "POST" && ++calls === 1) {
          await writer.write([row(1)]);
          throw new TypeError("connection reset");
        }
        return (send ?? fetch)(input, init);
      },
    });
    await expect(intruding.write([row(2)])).rejects.toMatchObject({ code: "cookie_conflict" });
    expect(await at.written()).toBe(1);
  });

  test("recognise a batch that was applied even when its table has gone since", async () => {
    await using at = await setUp({ destructiveSchemaChanges: true });
    let drops = true;
    const writer = new Writer({
      ...at.options,
      fetch: async (input, init) => {
        const answer = await at.network.fetch(input, init);
        if (init?.method !== "POST" || !drops) return answer;
        drops = false;
        await at.app.call({ method: "DELETE", path: "/families/shop/tables/counter" });
        throw new TypeError("connection reset");
      },
    });
    expect(await writer.write([row(1)])).toMatchObject({ repeated: true });
    await expect(writer.write([row(2)])).rejects.toMatchObject({ code: "unknown_table" });
  });

  test("stop when aborted, in the middle of a wait or of a request, and the Writer stays usable", async () => {
    await using at = await setUp();
    const abort = new AbortController();
    const reason = new Error("enough");
    const writer = new Writer({
      ...at.options,
      clock: {
        ...at.clock,
        sleep: async (_ms, signal) => {
          abort.abort(reason);
          signal?.throwIfAborted();
        },
      },
    });
    at.network.faults.push("busy");
    await expect(writer.write([row(1)], { signal: abort.signal })).rejects.toBe(reason);
    await expect(writer.write([row(1)], { signal: abort.signal })).rejects.toBe(reason);
    await writer.write([row(1)]);
    expect(await at.written()).toBe(1);
  });

  test("give up on an attempt that takes longer than requestTimeoutMs", async () => {
    await using at = await setUp();
    let hangs = true;
    const writer = new Writer({
      ...at.options,
      requestTimeoutMs: 20,
      fetch: (input, init) => {
        if (!hangs) return at.network.fetch(input, init);
        hangs = false;
        return new Promise((_, reject) =>
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)),
        );
      },
    });
    expect(await writer.write([row(1)])).toMatchObject({ repeated: false });
  });

  test("R30 a hundred batches through random faults are each written once, in order", async () => {
    const random = seededRandom(suiteSeed());
    await using at = await setUp();
    const faults: Fault[] = [
      "none",
      "lose-request",
      "lose-answer",
      "spoil-answer",
      "busy",
      "limited",
      "unknown",
    ];
    for (let i = 0; i < 2000; i++)
      at.network.faults.push(faults[Math.floor(random() * faults.length)] ?? "none");
    const writer = new Writer({ ...at.options, retryForMs: Number.POSITIVE_INFINITY, random });
    for (let id = 0; id < 100; id++) {
      const { sequence } = await writer.write([row(id)]);
      expect(sequence).toBe(3n + BigInt(id));
    }
    expect(await at.written()).toBe(100);
  });
});

describe("writeAll", () => {
  test("cuts any iterable into batches by count and by bytes, in order, and reports progress", async () => {
    await using at = await setUp();
    const writer = new Writer(at.options);
    const seen: number[] = [];
    async function* rows() {
      for (let id = 0; id < 25; id++) yield row(id);
    }
    const total = await writer.writeAll(rows(), {
      batchSize: 10,
      onProgress: ({ mutations }) => seen.push(mutations),
    });
    expect(seen).toEqual([10, 20, 25]);
    expect(total).toEqual({ mutations: 25, batches: 3, sequence: await at.app.headSequence() });
    expect(at.app.rows("SELECT count(*) AS n FROM shop___counter")).toEqual([{ n: 25n }]);
    const note = "é".repeat(100_000);
    const large = await writer.writeAll(
      [1, 2, 3, 4, 5].map((n) => ({ table: "item", values: { name: `n${n}`, note } })),
    );
    expect([large.mutations, large.batches]).toEqual([5, 3]);
    expect(await writer.writeAll([])).toEqual({ mutations: 0, batches: 0, sequence: null });
  });

  test("keeps the batches before an error", async () => {
    await using at = await setUp();
    const writer = new Writer(at.options);
    const rows = [row(1), row(2), { table: "counter", values: { id: "abc" } }, row(4)];
    let mutations = 0;
    const all = writer.writeAll(rows, {
      batchSize: 2,
      onProgress: (progress) => {
        mutations = progress.mutations;
      },
    });
    await expect(all).rejects.toMatchObject({ code: "invalid_value", details: { index: 0 } });
    expect(mutations).toBe(2);
    expect(at.app.rows("SELECT id FROM shop___counter")).toEqual([{ id: 1n }, { id: 2n }]);
  });
});
