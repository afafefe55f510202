/**
 * A ctldb on MySQL whose network or server fails: what was acknowledged is there, nothing is doubled, nobody waits for
 * ever, and it recovers by itself.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { createConnection } from "mysql2/promise";
import { parseOperatorName } from "../../core/names.ts";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { type OpenCtlDbOptions, openLedgerSource } from "../../ctldb/open.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { until } from "../support/until.ts";
import {
  bytes,
  COUNTS,
  count,
  DEPS,
  expectConsistent,
  FAMILY,
  failureOf,
  open,
  openFilled,
  request,
  SECRET,
  table,
  WRITER,
} from "./fixture.ts";
import { mysqlQuery } from "./mysql-target.ts";

setDefaultTimeout(30_000);

/** Short, so that a black hole does not take the suite's time; long enough for a busy machine. */
const SHORT = {
  connectMs: 800,
  queryMs: 1_500,
  resolveCommitMs: 800,
  sessionIdleSeconds: 1,
  lockWaitSeconds: 3,
};

interface Behind extends AsyncDisposable {
  readonly direct: string;
  readonly through: string;
  readonly proxy: FaultProxy;
  readonly ctldb: CtlDb;
}

/** A filled ctldb that is reached through a fault proxy. */
async function behindProxy(
  timeouts: Partial<typeof SHORT> = {},
  options: OpenCtlDbOptions = {},
): Promise<Behind> {
  const server = await sharedMariadb();
  const direct = await server.createDatabase();
  const proxy = await startFaultProxy(server);
  const through = new URL(direct);
  through.port = String(proxy.port);
  // Making tables takes a busy server longer than short time limits.
  await (await openFilled(direct))[Symbol.asyncDispose]();
  const ctldb = await open(through.href, { timeouts, ...options });
  return {
    direct,
    through: through.href,
    proxy,
    ctldb,
    async [Symbol.asyncDispose]() {
      proxy.set({});
      await ctldb[Symbol.asyncDispose]();
      await proxy.close();
    },
  };
}

/** The ids of the sessions on a database. */
async function sessionsOf(url: string): Promise<number[]> {
  const rows = await mysqlQuery(
    url,
    "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
  );
  return rows.map(([id]) => Number(id));
}

async function killSessions(url: string): Promise<void> {
  for (const id of await sessionsOf(url)) await mysqlQuery(url, `KILL CONNECTION ${id}`).catch(() => {});
}

describe("a write on MySQL", () => {
  test("D12 takes two round trips, however many requests and rows its group has", async () => {
    // A machine that stands still for a moment is no reason to look writers up again.
    await using behind = await behindProxy({}, { access: { cacheMs: 3_600_000 } });
    const { ctldb, proxy, direct } = behind;
    await ctldb.write(request([count("warm")]));
    for (const requests of [1, 40]) {
      const roundTrips: number[] = [];
      for (let attempt = 0; attempt < 4; attempt++) {
        const before = proxy.requests;
        const writes = Array.from({ length: requests }, (_, i) =>
          ctldb.write(request([count(`n${i}`), count("shared", i)])),
        );
        await Promise.all(writes);
        roundTrips.push(proxy.requests - before);
      }
      // Now and then limits and credentials are looked at again beside it.
      expect(Math.min(...roundTrips)).toBe(2);
    }
    await expectConsistent(direct);
  });

  test("is acknowledged once and done once when the reply to its COMMIT is lost", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, direct } = behind;
    for (let round = 0; round < 3; round++) {
      const { headSequence } = await ctldb.status();
      proxy.set({ dropReplyOf: /COMMIT/ });
      const ends = await Promise.all([
        ctldb.write(request([count("a", round), count("b", round)], { cookie: bytes(`${round}`) })),
        ctldb.write(request([count("c", round)])),
      ]);
      expect(ends.map(({ sequence }) => BigInt(sequence) - BigInt(headSequence))).toEqual([4n, 5n]);
    }
    const { entries } = await expectConsistent(direct);
    expect(entries).toHaveLength(2 + 3 * 5);
    expect(await mysqlQuery(direct, "SELECT clock FROM mutators")).toEqual([[3]]);
  });

  test("moves the cookie alone once when the reply to its COMMIT is lost", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, direct } = behind;
    proxy.set({ dropReplyOf: /COMMIT/ });
    await ctldb.write(request([], { family: null, cookie: bytes("moved") }));
    expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("moved"));
    expect(await mysqlQuery(direct, "SELECT clock FROM mutators")).toEqual([[1]]);
  });

  test("is undone and told as undone when its connection breaks before COMMIT", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, direct } = behind;
    await ctldb.write(request([count("warm")]));
    const { headSequence } = await ctldb.status();
    // The lock is taken, its reply lost: nothing was written yet.
    proxy.set({ dropReplyOf: /UPDATE locks SET clock/ });
    await ctldb.write(request([count("a")]));
    // The packet with the rows is cut off on its way up.
    proxy.set({ resetAfter: { direction: "up", bytes: 600 } });
    const { connections } = proxy;
    const writing = failureOf(ctldb.write(request([count("x".repeat(190)), count("y".repeat(190))])));
    await until(() => proxy.connections > connections, { what: "the question what became of it" });
    proxy.set({});
    expect((await writing).code).toBe("ctldb_unavailable");
    const { sequence } = await ctldb.write(request([count("b")]));
    expect(sequence).toBe((headSequence + 2n) as never);
    await expectConsistent(direct);
  });

  test("succeeds at once when its idle connections were killed before", async () => {
    await using behind = await behindProxy();
    const { ctldb, direct } = behind;
    await ctldb.write(request([count("warm")]));
    for (let round = 0; round < 3; round++) {
      await killSessions(direct);
      await until(async () => (await sessionsOf(direct)).length === 0, { what: "the sessions' end" });
      await ctldb.write(request([count("a", round)]));
      await ctldb.readCookie(WRITER, SECRET);
      await ctldb.addFields(FAMILY, COUNTS.table, [{ name: `f${round}` as never, type: "text" }]);
    }
    await expectConsistent(direct);
  });

  test("fails within moments, and changes nothing, when its connection is killed while it waits", async () => {
    await using behind = await behindProxy();
    const { ctldb, direct } = behind;
    await ctldb.write(request([count("locked")]));
    const blocker = await createConnection(direct);
    await blocker.query("BEGIN");
    await blocker.query("UPDATE fam___counts SET count = 7 WHERE name = 'locked'");
    const writing = failureOf(ctldb.write(request([count("other"), count("locked", 2)])));
    const waiting = async () =>
      (
        await mysqlQuery(
          direct,
          "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'REPLACE%'",
        )
      )[0]?.[0];
    const id = Number(await until(waiting, { what: "the write to wait for the row" }));
    await mysqlQuery(direct, `KILL CONNECTION ${id}`);
    expect((await writing).code).toBe("ctldb_unavailable");
    await blocker.query("ROLLBACK");
    await blocker.end();
    await ctldb.write(request([count("after")]));
    const { rows } = await expectConsistent(direct);
    expect(rows["fam___counts"]?.rows).toEqual(['text "after"|integer 1', 'text "locked"|integer 1']);
  });
});

describe("a change of writers, operators, readers or tables on MySQL", () => {
  test("R45 is made once, and stands once in the audit trail, when the reply to its COMMIT is lost", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, direct } = behind;
    const known = (await ctldb.audit.read({ limit: 100 })).entries.length;
    const reader = { reader: parseOperatorName("api"), contact: null };
    const operator = parseOperatorName("alice");
    let token = "";
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      "writer.register": () => ctldb.writers.register("another" as never, SECRET),
      "writer.rotate": () => ctldb.writers.rotate("another" as never, "s3cr3t-2", 60),
      "writer.grant": () => ctldb.writers.grant("another" as never, [FAMILY]),
      "writer.revoke": () => ctldb.writers.revoke("another" as never),
      "operator.create": async () => {
        ({ token } = await ctldb.operators.create(operator, "read"));
      },
      "operator.revoke": async () => {
        // What was told when it was made is valid.
        expect(await ctldb.operators.authenticate(token)).toMatchObject({ name: operator });
        await ctldb.operators.revoke(operator);
      },
      "reader.declare": () => ctldb.readers.declare(FAMILY, COUNTS.table, reader),
      "reader.withdraw": () => ctldb.readers.withdraw(FAMILY, COUNTS.table, reader.reader),
      "family.create": () => ctldb.createFamily("another" as never),
      "table.create": () =>
        ctldb.createTables([table("another", { fields: [["id", "string"]], keyFields: ["id"] })]),
      "rows.clear": () => ctldb.clearRows(FAMILY, null),
    };
    for (const change of Object.values(changes)) {
      proxy.set({ dropReplyOf: /COMMIT/ });
      await change();
    }
    proxy.set({});
    const { entries } = await ctldb.audit.read({ limit: 100 });
    const actions = entries.slice(0, entries.length - known).map(({ action }) => action as string);
    expect(actions.reverse()).toEqual(Object.keys(changes));
    await expectConsistent(direct);
  });
});

describe("a ctldb on MySQL that is away", () => {
  const calls: Readonly<Record<string, (ctldb: CtlDb) => Promise<unknown>>> = {
    write: (ctldb) => ctldb.write(request([count("while away")])),
    catalog: (ctldb) => ctldb.catalog(),
    status: (ctldb) => ctldb.status(),
    readCookie: (ctldb) => ctldb.readCookie(WRITER, SECRET),
    registerWriter: (ctldb) => ctldb.writers.register("another" as never, SECRET),
    createFamily: (ctldb) => ctldb.createFamily("another" as never),
    createTables: (ctldb) =>
      ctldb.createTables([table("another", { fields: [["id", "string"]], keyFields: ["id"] })]),
    clearRows: (ctldb) => ctldb.clearRows(FAMILY, null),
  };

  test("fails every call with ctldb_unavailable at once when it refuses connections, and recovers", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, direct } = behind;
    await ctldb.write(request([count("warm")]));
    proxy.set({ refuse: true });
    proxy.resetAll();
    const startMs = performance.now();
    for (const [name, call] of Object.entries(calls)) {
      expect({ name, code: (await failureOf(call(ctldb))).code }).toEqual({
        name,
        code: "ctldb_unavailable",
      });
    }
    expect(performance.now() - startMs).toBeLessThan(10_000);
    proxy.set({});
    // After an outage of seconds the next attempt is made when its time has come (R47).
    await until(() => ctldb.status(), { what: "the ctldb to be found again", deadlineMs: 5_000 });
    for (const call of Object.values(calls)) await call(ctldb);
    await expectConsistent(direct);
  });

  test("R20 fails every call in limited time when it is a black hole, and recovers", async () => {
    await using behind = await behindProxy(SHORT);
    const { ctldb, proxy, direct } = behind;
    await ctldb.write(request([count("warm")]));
    proxy.set({ blackHole: true });
    const startMs = performance.now();
    const codes = await Promise.all(
      Object.values(calls).map(async (call) => (await failureOf(call(ctldb))).code),
    );
    expect(new Set(codes)).toEqual(new Set(["ctldb_unavailable"]));
    expect(performance.now() - startMs).toBeLessThan(20_000);
    // What the server still holds for the lost connections, the ledger lock perhaps, it gives up by itself.
    proxy.set({});
    await until(() => ctldb.write(request([count("back")])), { what: "a write to succeed again" });
    const { rows } = await expectConsistent(direct);
    expect(rows["fam___counts"]?.rows.filter((row) => row.includes("back"))).toHaveLength(1);
  });

  test("says that the outcome is unknown when it goes dark during COMMIT and stays so", async () => {
    await using behind = await behindProxy(SHORT);
    const { ctldb, proxy, direct } = behind;
    await ctldb.write(request([count("warm")]));
    proxy.set({ holdReplyOf: /COMMIT/ });
    const writing = failureOf(ctldb.write(request([count("dark", 1)], { cookie: bytes("dark") })));
    const committed = async () =>
      (await mysqlQuery(direct, "SELECT 1 FROM mutators WHERE cookie = 'dark'")).length > 0;
    await until(committed, { what: "the commit on the server" });
    proxy.set({ refuse: true });
    const error = await writing;
    expect(error.code).toBe("commit_outcome_unknown");
    expect(error.details.hint).toContain("cookie");
    proxy.set({});
    // What the hint says works: the cookie tells that it was committed.
    expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("dark"));
    await ctldb.write(request([count("dark", 2)], { checkCookie: bytes("dark") }));
    await expectConsistent(direct);
  });

  test("opens with ctldb_unavailable, in limited time, when it is away from the start", async () => {
    const server = await sharedMariadb();
    await using proxy = await startFaultProxy(server);
    const url = new URL(await server.createDatabase());
    url.port = String(proxy.port);
    proxy.set({ refuse: true });
    expect((await failureOf(openFilled(url.href))).code).toBe("ctldb_unavailable");
    proxy.set({ blackHole: true });
    expect((await failureOf(openFilled(url.href, { timeouts: SHORT }))).code).toBe("ctldb_unavailable");
    proxy.set({});
    await using _ctldb = await openFilled(url.href);
  });
});

describe("the ledger source on MySQL", () => {
  test("fails a poll in limited time, or as soon as it is aborted, when the ctldb is a black hole", async () => {
    await using behind = await behindProxy();
    const { proxy, through } = behind;
    await using source = openLedgerSource(through, DEPS, { timeouts: SHORT });
    expect((await source.poll(SEQUENCE_ZERO, 10)).entries).toHaveLength(2);
    proxy.set({ blackHole: true });
    expect((await failureOf(source.poll(SEQUENCE_ZERO, 10))).code).toBe("ctldb_unavailable");
    await using patient = openLedgerSource(through, DEPS);
    const controller = new AbortController();
    const reason = new Error("asked to stop");
    const startMs = performance.now();
    const { connections } = proxy;
    const polling = patient.poll(SEQUENCE_ZERO, 10, controller.signal);
    await until(() => proxy.connections > connections, { what: "the attempt to connect" });
    controller.abort(reason);
    await expect(polling).rejects.toBe(reason);
    expect(performance.now() - startMs).toBeLessThan(4_000);
    proxy.set({});
    expect((await source.poll(SEQUENCE_ZERO, 10)).entries).toHaveLength(2);
    expect((await patient.describe()).headSequence).toBe(2n as never);
  });

  test("goes on by itself when its connection is reset in the middle of a block", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, through } = behind;
    await ctldb.write(request(Array.from({ length: 90 }, (_, i) => count(`n${i}`.padEnd(180, "x")))));
    await using source = openLedgerSource(through, DEPS);
    await source.describe();
    proxy.set({ resetAfter: { direction: "down", bytes: 5_000 } });
    expect((await failureOf(source.poll(SEQUENCE_ZERO, 1_000))).code).toBe("ctldb_unavailable");
    proxy.set({});
    expect((await source.poll(SEQUENCE_ZERO, 1_000)).entries).toHaveLength(2 + 92);
  });
});

describe("the schema lock on MySQL", () => {
  test("R38 is taken from a process that does not let go of it", async () => {
    await using behind = await behindProxy();
    const { ctldb, direct, through } = behind;
    await using impatient = await open(through, { timeouts: { schemaLockGraceSeconds: 1 } });
    // A holder of the lock that sleeps: the name is found where the server lists it.
    const name = await schemaLockName(direct, ctldb);
    const holder = await createConnection(direct);
    holder.on("error", () => {});
    await holder.query(`SELECT GET_LOCK('${name}', 5)`);
    await impatient.createTables([table("taken", { fields: [["id", "string"]], keyFields: ["id"] })]);
    await expect(holder.query("SELECT 1")).rejects.toThrow();
    await expectConsistent(direct);
  });
});

/** Reads the lock's name off a change that is held up by a reader of its table. */
async function schemaLockName(direct: string, ctldb: CtlDb): Promise<string> {
  const blocker = await createConnection(direct);
  await blocker.query("BEGIN");
  await blocker.query("SELECT * FROM fam___counts");
  const change = ctldb.addFields(FAMILY, COUNTS.table, [{ name: "held" as never, type: "text" }]);
  const database = new URL(direct).pathname.slice(1);
  const name = `ctlstore_ddl_${createHash("sha256").update(database).digest("hex").slice(0, 16)}`;
  await until(async () => (await mysqlQuery(direct, `SELECT IS_USED_LOCK('${name}')`))[0]?.[0] !== null, {
    what: "the schema lock",
  });
  await blocker.query("ROLLBACK");
  await blocker.end();
  await change;
  return name;
}
