/**
 * Schema changes on MySQL that are interrupted by a real SIGKILL or SIGSTOP between the DDL and the ledger (D6, D7,
 * R38): whoever writes next finishes them, and ctldb and ledger agree.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { until } from "../support/until.ts";
import {
  COUNTS,
  count,
  expectConsistent,
  FAMILY,
  open,
  openFilled,
  request,
  table,
  upsert,
} from "./fixture.ts";
import { interruptAt } from "./interrupted.ts";
import { mysqlQuery } from "./mysql-target.ts";

setDefaultTimeout(30_000);

async function exists(url: string, sql: string): Promise<boolean> {
  return (await mysqlQuery(url, sql)).length > 0;
}

const COLUMN = "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name =";
const TABLE = "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name =";

interface Point {
  readonly change: "create" | "add" | "drop";
  readonly moment: string;
  readonly hold: RegExp;
  /** True on the server when the moment has come. */
  readonly reached: (url: string) => Promise<boolean>;
}

const POINTS: readonly Point[] = [
  {
    change: "create",
    moment: "after the intent and before the DDL",
    hold: /INSERT INTO ctlstore_schema_intents/,
    reached: (url) => exists(url, "SELECT 1 FROM ctlstore_schema_intents"),
  },
  {
    change: "create",
    moment: "between two tables",
    hold: /CREATE TABLE fam___made_a/,
    reached: (url) => exists(url, `${TABLE} 'fam___made_a'`),
  },
  {
    change: "create",
    moment: "between the DDL and the ledger",
    hold: /CREATE TABLE fam___made_b/,
    reached: (url) => exists(url, `${TABLE} 'fam___made_b'`),
  },
  {
    change: "add",
    moment: "between the DDL and the ledger",
    hold: /ALTER TABLE fam___counts/,
    reached: (url) => exists(url, `${COLUMN} 'fam___counts' AND column_name = 'extra_2'`),
  },
  {
    change: "drop",
    moment: "between the DDL and the ledger",
    hold: /DROP TABLE IF EXISTS fam___counts/,
    reached: async (url) => !(await exists(url, `${TABLE} 'fam___counts'`)),
  },
];

/** What the audit trail has of the child's changes: each once, whoever finished it. */
const RECORDED: Readonly<Record<Point["change"], readonly (readonly [string, string])[]>> = {
  create: [
    ["table.create", "fam/made_a"],
    ["table.create", "fam/made_b"],
  ],
  add: [["table.add-fields", "fam/counts"]],
  drop: [["table.drop", "fam/counts"]],
};

/** What each change must have come to once it is finished. */
async function expectFinished(url: string, change: Point["change"]): Promise<void> {
  await using ctldb = await open(url);
  const { table: name } = table("other", { fields: [["id", "string"]], keyFields: ["id"] });
  // Any taker of the ledger lock repairs.
  await ctldb.createTables([table("other", { fields: [["id", "string"]], keyFields: ["id"] })]);
  await ctldb.write(request([upsert("other", { id: "a" })]));
  expect((await ctldb.catalog()).find(FAMILY, name)).toBeDefined();
  const { rows } = await expectConsistent(url);
  switch (change) {
    case "create":
      expect(Object.keys(rows)).toContain("fam___made_a");
      expect(Object.keys(rows)).toContain("fam___made_b");
      await ctldb.write(request([upsert("made_b", { id: 1 })]));
      break;
    case "add":
      expect(rows["fam___counts"]?.columns).toEqual([
        "name string",
        "count integer",
        "extra_1 text",
        "extra_2 decimal",
      ]);
      await ctldb.write(request([upsert("counts", { name: "after", extra_2: 0.5 })]));
      break;
    case "drop":
      expect(Object.keys(rows)).not.toContain("fam___counts");
      expect((await ctldb.catalog()).find(FAMILY, COUNTS.table)).toBeUndefined();
      break;
  }
  const { entries } = await expectConsistent(url);
  expect(await mysqlQuery(url, "SELECT * FROM ctlstore_schema_intents")).toEqual([]);
  const recorded = (await ctldb.audit.read({ limit: 100, actor: "child" })).entries.toReversed();
  expect(recorded.map(({ action, target }) => [action as string, target] as const)).toEqual([
    ...RECORDED[change],
  ]);
  const sequences = new Set<unknown>(entries.map((entry) => entry.sequence));
  for (const { sequence } of recorded) expect(sequences.has(sequence)).toBe(true);
}

describe("a schema change on MySQL", () => {
  for (const { change, moment, hold, reached } of POINTS) {
    test(`D6 D7 R38 is finished by the next writer when ${change} is killed ${moment}`, async () => {
      await using interrupted = await interruptAt(change, hold);
      const { url, child } = interrupted;
      await until(() => reached(url), { what: `the server to be ${moment}` });
      await child.kill();
      interrupted.proxy.resetAll();
      await expectFinished(url, change);
    });
  }

  test("R38 is told as undecided, not as undone, when its connection breaks after the DDL", async () => {
    const server = await sharedMariadb();
    const url = await server.createDatabase();
    {
      await using _ctldb = await openFilled(url);
    }
    await using proxy = await startFaultProxy(server);
    const through = new URL(url);
    through.port = String(proxy.port);
    await using ctldb = await open(through.href);
    proxy.set({ dropReplyOf: /CREATE TABLE fam___made/ });
    const made = table("made", { fields: [["id", "string"]], keyFields: ["id"] });
    await expect(ctldb.createTables([made])).rejects.toMatchObject({ code: "commit_outcome_unknown" });
    await ctldb.write(request([count("a"), count("b")]));
    await ctldb.write(request([upsert("made", { id: "a" })]));
    await expectConsistent(url);
  });

  test("R38 is told as undecided, not as undone, when the answer to its intent is lost", async () => {
    const server = await sharedMariadb();
    const url = await server.createDatabase();
    {
      await using _ctldb = await openFilled(url);
    }
    await using proxy = await startFaultProxy(server);
    const through = new URL(url);
    through.port = String(proxy.port);
    await using ctldb = await open(through.href);
    proxy.set({ dropReplyOf: /INSERT INTO ctlstore_schema_intents/ });
    const made = table("made", { fields: [["id", "string"]], keyFields: ["id"] });
    const failure = expect(ctldb.createTables([made])).rejects;
    await failure.toMatchObject({ code: "commit_outcome_unknown" });
    // The next writer carries it out.
    await ctldb.write(request([count("a")]));
    await ctldb.write(request([upsert("made", { id: "a" })]));
    await expectConsistent(url);
  });

  test("R38 fails every write, and holds up none, while it cannot be finished", async () => {
    const server = await sharedMariadb();
    const url = await server.createDatabase();
    await using ctldb = await openFilled(url);
    await ctldb.write(request([count("known")]));
    await mysqlQuery(url, "RENAME TABLE ctlstore_tables TO hidden");
    await expect(ctldb.dropTable(FAMILY, COUNTS.table)).rejects.toMatchObject({
      code: "commit_outcome_unknown",
    });
    await expect(ctldb.write(request([count("a")]))).rejects.toMatchObject({ code: "ctldb_incompatible" });
    await mysqlQuery(url, "RENAME TABLE hidden TO ctlstore_tables");
    await expect(ctldb.write(request([count("a")]))).rejects.toMatchObject({ code: "unknown_table" });
    await expectConsistent(url);
  });

  test("R38 of a sleeper does no harm when it was repaired meanwhile and the sleeper wakes", async () => {
    // Stopped with its DDL sent; the server ends its idle sessions after a second and gives the lock to others.
    await using interrupted = await interruptAt("drop", /INSERT INTO ctlstore_schema_intents/, {
      idleSeconds: 1,
    });
    const { url, child } = interrupted;
    await until(() => exists(url, "SELECT 1 FROM ctlstore_schema_intents"), { what: "the intent" });
    child.signal("SIGSTOP");
    await using ctldb = await open(url, { timeouts: { lockWaitSeconds: 15 } });
    const again = table("counts", { fields: [["id", "integer"]], keyFields: ["id"] });
    // The first taker finishes the drop, so that the name is free for another table.
    await ctldb.createTables([again]);
    await ctldb.write(request([upsert("counts", { id: 1 })]));
    child.signal("SIGCONT");
    await child.waitForOutput(/ended: (ctldb_unavailable|commit_outcome_unknown)/);
    await ctldb.write(request([upsert("counts", { id: 2 })]));
    const { rows } = await expectConsistent(url);
    expect(rows["fam___counts"]?.rows).toEqual(["integer 1", "integer 2"]);
  });

  test("keeps the ledger lock when its DDL takes longer than an idle session may last", async () => {
    const server = await sharedMariadb();
    const url = await server.createDatabase();
    await using ctldb = await openFilled(url, { timeouts: { sessionIdleSeconds: 1 } });
    // A reader in a transaction makes the DDL wait for its metadata lock, here for two seconds.
    const slow = mysqlQuery(url, "SELECT SLEEP(2) FROM (SELECT 1) AS one LEFT JOIN fam___counts ON TRUE");
    await until(
      async () =>
        exists(url, "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(2)%'"),
      {
        what: "the slow reader",
      },
    );
    await ctldb.addFields(FAMILY, COUNTS.table, [{ name: "extra" as never, type: "text" }]);
    await slow;
    await expectConsistent(url);
  });
});
