/** GET /ledger: pages both ways, as they come, what is refused, and what a wait costs. */
import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { unwrap } from "../../client/client-error.ts";
import { createClient } from "../../client/create-client.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { startExecutive } from "../../server/executive.ts";
import { until } from "../support/until.ts";
import { ADMIN, ADMIN_TOKEN, openTestApp, type TestApp, WRITER } from "./test-app.ts";

interface Page {
  readonly entries: ReadonlyArray<{
    readonly sequence: number;
    readonly kind: string;
    readonly statement: string;
  }>;
  readonly next: number;
  readonly head: number;
  readonly first: number;
}

async function get(app: TestApp, query = ""): Promise<Page> {
  const { status, text, json } = await app.call({ method: "GET", path: `/ledger${query}` });
  if (status !== 200) throw new Error(`${query}: ${status} ${text}`);
  return json as Page;
}

const sequences = ({ entries }: Page) => entries.map(({ sequence }) => sequence);
const write = (app: TestApp, ...ids: number[]) =>
  app.mutate({ mutations: ids.map((id) => ({ table: "counter", values: { id, label: "it's" } })) });

/** Counts those who wait for the ledger, and how often its head is read by `entries`. */
function watched(): { readonly waiting: () => number; readonly wrap: (ctldb: CtlDb) => CtlDb } {
  let waiting = 0;
  const wrap = (ctldb: CtlDb): CtlDb => {
    const { inspection } = ctldb;
    const untilAfter: typeof inspection.untilAfter = async (...parameters) => {
      waiting += 1;
      await inspection.untilAfter(...parameters).finally(() => {
        waiting -= 1;
      });
    };
    const counted: typeof inspection = {
      untilAfter,
      entries: (request) => inspection.entries(request),
      history: (request) => inspection.history(request),
    };
    return new Proxy(ctldb, {
      get: (target, name) => {
        if (name === "inspection") return counted;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return { waiting: () => waiting, wrap };
}

describe("the ledger over HTTP", () => {
  test("has every entry with what is known of it, down from its end and up from its beginning", async () => {
    await using app = await openTestApp();
    await write(app, 1);
    await write(app, 2, 3);
    const { entries, ...ends } = await get(app);
    expect(ends).toEqual({ next: 1, head: 7, first: 1 });
    expect(entries.map(({ sequence, kind }) => `${sequence} ${kind}`)).toEqual([
      "7 commit",
      "6 upsert",
      "5 upsert",
      "4 begin",
      "3 upsert",
      "2 create",
      "1 create",
    ]);
    expect(entries[4]).toEqual({
      sequence: 3,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      family: "shop",
      table: "counter",
      writer: "importer",
      kind: "upsert",
      statement: `REPLACE INTO shop___counter ("id","label") VALUES(1,'it''s')`,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    } as never);
    expect(sequences(await get(app, "?after=2&limit=3"))).toEqual([3, 4, 5]);
    expect(await get(app, "?after=7")).toEqual({ entries: [], next: 7, head: 7, first: 1 });
    expect(sequences(await get(app, "?before=3"))).toEqual([2, 1]);
    expect(sequences(await get(app, "?family=SHOP&table=Counter"))).toEqual([6, 5, 3, 2]);
    expect(sequences(await get(app, "?family=shop&table=item&after=0"))).toEqual([1]);
    expect(sequences(await get(app, "?family=nobody"))).toEqual([]);
  });

  test("cuts long statements unless they are wanted in full", async () => {
    await using app = await openTestApp();
    const note = "x".repeat(400_000);
    for (let i = 0; i < 8; i++)
      await app.mutate({ mutations: [{ table: "item", values: { name: `n${i}`, note } }] });
    const cut = await get(app, "?limit=8");
    expect(cut.entries.map((entry) => [entry.statement.length, "truncated" in entry])).toEqual(
      cut.entries.map(() => [2_000, true]),
    );
    const full = await get(app, "?limit=8&full=true");
    expect(full.entries.map((entry) => [entry.statement.includes(note), "truncated" in entry])).toEqual(
      full.entries.map(() => [true, false]),
    );
    expect(full.entries.length).toBeLessThan(8);
    expect(sequences(await get(app, `?limit=8&full=true&before=${full.next}`))[0]).toBe(full.next - 1);
  });

  test("is refused for what are no positions, filters or waits", async () => {
    await using app = await openTestApp();
    const head = await app.headSequence();
    const malformed = [
      ...["after=-1", "after=1.5", "after=9223372036854775808", "after=", "before=x", "after=1&before=2"],
      ...["limit=0", "limit=1001", "limit=1e2", "after=1&after=2", "table=item", "full=1", "other=1"],
      ...[
        "after=1&wait=31",
        "after=1&wait=-1",
        "after=1&wait=1e1",
        "after=1&wait=",
        "wait=1",
        "before=1&wait=1",
      ],
    ];
    for (const query of malformed) {
      const { status, code } = await app.call({ method: "GET", path: `/ledger?${query}` });
      expect([query, status, code]).toEqual([query, 400, "malformed_request"]);
    }
    const { status, code } = await app.call({ method: "GET", path: "/ledger?family=a__b" });
    expect([status, code]).toEqual([422, "invalid_name"]);
    for (const headers of [{}, WRITER, { authorization: "Bearer wrong" }])
      expect((await app.call({ method: "GET", path: "/ledger", headers })).status).toBe(401);
    expect(await app.headSequence()).toBe(head);
  });

  test("reaches the typed client page by page", async () => {
    await using app = await openTestApp();
    await write(app, 1, 2, 3);
    const client = createClient("http://localhost", {
      adminToken: ADMIN_TOKEN,
      fetch: async (input, init) => app.app.handle(new Request(input, init)),
    });
    const kinds: string[] = [];
    let after: number | string = 0;
    for (;;) {
      const query = { after: String(after), limit: "2" };
      const page: Pick<Page, "next" | "head" | "entries"> = unwrap(
        await client.ledger.get({ query }),
      ) as Page;
      kinds.push(...page.entries.map(({ kind }) => kind));
      after = page.next;
      if (page.next === page.head) break;
    }
    expect(kinds).toEqual(["create", "create", "begin", "upsert", "upsert", "upsert", "commit"]);
  });
});

describe("waiting for the ledger over HTTP", () => {
  test("ends with the next entry that the filter lets through, and not with another", async () => {
    const { waiting, wrap } = watched();
    await using app = await openTestApp({ wrap });
    const any = get(app, "?after=2&wait=30");
    const item = get(app, "?after=2&wait=30&family=shop&table=item");
    await until(() => waiting() === 2, { what: "both to wait" });
    await write(app, 1);
    expect(sequences(await any)).toEqual([3]);
    await until(() => waiting() === 1, { what: "the other to wait again" });
    await app.mutate({ mutations: [{ table: "item", values: { name: "a" } }] });
    const page = await item;
    expect([sequences(page), page.next]).toEqual([[4], 4]);
  });

  test("ends empty when the time is up, and at once where there is something already", async () => {
    await using app = await openTestApp();
    expect(await get(app, "?after=2&wait=0.05")).toEqual({ entries: [], next: 2, head: 2, first: 1 });
    expect(sequences(await get(app, "?after=1&wait=30"))).toEqual([2]);
  });

  test("ends when the service stops, and is forgotten when its client goes", async () => {
    const { waiting, wrap } = watched();
    await using app = await openTestApp({ wrap });
    const executive = await startExecutive(
      { ...app.deps, metrics: createMetrics() },
      { bind: "127.0.0.1:0", adminToken: ADMIN_TOKEN },
    );
    try {
      const socket = connect(Number(new URL(executive.url).port), "127.0.0.1", () => {
        socket.write(
          `GET /ledger?after=2&wait=30 HTTP/1.1\r\nhost: localhost\r\nauthorization: ${ADMIN.authorization}\r\n\r\n`,
        );
      });
      await until(() => waiting() === 1, { what: "the request to wait" });
      socket.destroy();
      await until(() => waiting() === 0, { what: "the request to be forgotten" });
      const answer = fetch(`${executive.url}/ledger?after=2&wait=30`, { headers: ADMIN });
      await until(() => waiting() === 1, { what: "the request to wait" });
      await executive.stop();
      expect(await (await answer).json()).toEqual({ entries: [], next: 2, head: 2, first: 1 });
    } finally {
      await executive.stop();
    }
  });
});
