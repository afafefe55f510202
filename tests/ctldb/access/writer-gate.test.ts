/** Authentication before the queue: what it costs the ctldb, and that it lets nothing through (D22, R34, R45). */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { CTLDB_TIMEOUTS } from "../../../core/limits.ts";
import { parseFamilyName, parseWriterName } from "../../../core/names.ts";
import { type CtlDbOptions, LedgerCtlDb } from "../../../ctldb/ledger-ctldb.ts";
import { openSqliteStore } from "../../../ctldb/sqlite/store.ts";
import type { LedgerStore } from "../../../ctldb/store.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import {
  COUNTS,
  count,
  DEPS,
  FAMILY,
  failureOf,
  open,
  openFilled,
  request,
  SECRET,
  upsert,
  WRITER,
} from "../fixture.ts";

/** Long, so that a machine which stands still for a moment changes no count. */
const PATIENT: CtlDbOptions = { access: { cacheMs: 3_600_000, refusedCacheMs: 3_600_000 } };

interface Counted {
  readonly ctldb: LedgerCtlDb;
  readonly url: string;
  /** Queries without the ledger lock that name the writers' table, and ledger transactions. */
  readonly calls: { queries: string[]; begins: number };
}

/** A filled ctldb whose store counts what it is asked. */
async function counted(folder: ReturnType<typeof tempFolder>, options: CtlDbOptions): Promise<Counted> {
  const path = folder.file("ctl.db");
  await (await openFilled(`sqlite:${path}`))[Symbol.asyncDispose]();
  const store = await openSqliteStore(path, CTLDB_TIMEOUTS, DEPS);
  const calls: Counted["calls"] = { queries: [], begins: 0 };
  const counting: Partial<LedgerStore> = {
    begin: (writers) => {
      calls.begins += 1;
      return store.begin(writers);
    },
    query: (sql) => {
      if (sql.includes("mutators")) calls.queries.push(sql);
      return store.query(sql);
    },
    execute: (sql) => {
      calls.queries.push(sql);
      return store.execute(sql);
    },
  };
  const wrapped = new Proxy(store, {
    get: (target, name) => {
      const own: unknown = Reflect.get(counting, name);
      const value: unknown = own ?? Reflect.get(target, name);
      return typeof value === "function" && own === undefined ? value.bind(target) : value;
    },
  });
  return { ctldb: new LedgerCtlDb(wrapped, DEPS, options), url: `sqlite:${path}`, calls };
}

describe("the gate of writers", () => {
  test("costs no query per request when a writer goes on writing", async () => {
    using folder = tempFolder("gate");
    const { ctldb, calls } = await counted(folder, PATIENT);
    await using _closing = ctldb;
    for (let i = 0; i < 50; i++) await ctldb.write(request([count("a", i)]));
    expect(calls.queries).toHaveLength(1);
    expect(calls.begins).toBe(50);
  });

  test("R34 keeps wrong credentials, foreign families and their batches out of the queue", async () => {
    using folder = tempFolder("gate");
    const { ctldb, calls } = await counted(folder, PATIENT);
    await using _closing = ctldb;
    await ctldb.writers.grant(WRITER, [FAMILY]);
    await ctldb.write(request([count("a")]));
    calls.queries.length = 0;
    calls.begins = 0;
    const codes = await Promise.all(
      Array.from({ length: 3_000 }, (_, i) => {
        const kinds = [
          { secret: `s3cr3t-wrong-${i}` },
          { writer: parseWriterName(`nobody ${i}`) },
          { family: parseFamilyName("other") },
        ];
        return failureOf(ctldb.write(request([upsert("unknown", {})], kinds[i % 3] ?? {}))).then(
          ({ code }) => code,
        );
      }),
    );
    expect(new Set(codes)).toEqual(new Set(["bad_credentials", "not_granted"]));
    expect(calls.begins).toBe(0);
    // One for the wrong secret of a known name; two thousand names that nobody has take one or two of a thousand each.
    expect(calls.queries.length).toBeLessThanOrEqual(4);
  });

  test("R34 looks nobody up again while a refusal stands, whatever the flood", async () => {
    using folder = tempFolder("gate");
    const { ctldb, calls } = await counted(folder, PATIENT);
    await using _closing = ctldb;
    for (let i = 0; i < 200; i++) {
      await failureOf(ctldb.readCookie(parseWriterName("nobody"), SECRET));
      await failureOf(ctldb.readCookie(WRITER, `s3cr3t-wrong-${i}`));
    }
    expect(calls.queries).toHaveLength(2);
  });

  test("holds a change of its own process at once, whatever it knew before", async () => {
    using folder = tempFolder("gate");
    const { ctldb } = await counted(folder, PATIENT);
    await using _closing = ctldb;
    const name = parseWriterName("fresh");
    const asFresh = (secret: string) => request([count("a")], { writer: name, secret });
    expect((await failureOf(ctldb.write(asFresh(SECRET)))).code).toBe("bad_credentials");
    await ctldb.writers.register(name, SECRET);
    await ctldb.write(asFresh(SECRET));
    await ctldb.writers.rotate(name, "s3cr3t-2", 0);
    expect((await failureOf(ctldb.write(asFresh(SECRET)))).code).toBe("bad_credentials");
    await ctldb.write(asFresh("s3cr3t-2"));
    await ctldb.writers.grant(name, []);
    expect((await failureOf(ctldb.write(asFresh("s3cr3t-2")))).code).toBe("not_granted");
    await ctldb.writers.revoke(name);
    expect((await failureOf(ctldb.readCookie(name, "s3cr3t-2"))).code).toBe("bad_credentials");
  });

  test("R45 is not the last word: under the lock a secret that was revoked elsewhere is refused", async () => {
    using folder = tempFolder("gate");
    const { ctldb, url, calls } = await counted(folder, PATIENT);
    await using _closing = ctldb;
    await ctldb.write(request([count("a")]));
    {
      await using other = await open(url);
      await other.writers.revoke(WRITER);
    }
    calls.begins = 0;
    // The gate still believes it, for an hour here.
    expect((await failureOf(ctldb.write(request([count("b")])))).code).toBe("bad_credentials");
    expect(calls.begins).toBe(1);
    expect((await failureOf(ctldb.readCookie(WRITER, SECRET))).code).toBe("bad_credentials");
  });

  test("stores a secret of the original anew once, and writes on when that fails", async () => {
    using folder = tempFolder("gate");
    const { ctldb, calls } = await counted(folder, PATIENT);
    await using _closing = ctldb;
    const digest = createHash("sha256").update(SECRET).digest("hex");
    const { Database } = await import("bun:sqlite");
    using db = new Database(folder.file("ctl.db"));
    db.run("PRAGMA busy_timeout = 5000");
    db.run(`UPDATE mutators SET secret = '${digest}'`);
    db.run(
      "CREATE TRIGGER no_upgrade BEFORE UPDATE OF secret ON mutators BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    for (let i = 0; i < 20; i++) await ctldb.write(request([count("a", i)]));
    const updates = () => calls.queries.filter((sql) => sql.startsWith("UPDATE")).length;
    expect(updates()).toBe(1);
    expect(await ctldb.writers.find(WRITER)).toMatchObject({ secretForm: "sha256" });
    db.run("DROP TRIGGER no_upgrade");
    // As after the time for which it is believed.
    await ctldb.writers.grant(WRITER, null);
    for (let i = 0; i < 20; i++) await ctldb.write(request([count("a", i)]));
    const salted = async () => (await ctldb.writers.find(WRITER)).secretForm === "salted";
    await until(salted, { what: "the salted form" });
    expect(updates()).toBe(2);
  });
});

describe("a closed ctldb", () => {
  test("refuses every call about access with ctldb_unavailable, and asks its store nothing", async () => {
    using folder = tempFolder("gate");
    const { ctldb, calls } = await counted(folder, {});
    await ctldb.write(request([count("a")]));
    await ctldb[Symbol.asyncDispose]();
    calls.queries.length = 0;
    calls.begins = 0;
    const name = parseWriterName("fresh");
    const operator = "alice" as never;
    const reader = { reader: "api" as never, contact: null };
    for (const call of [
      () => ctldb.write(request([count("a")])),
      () => ctldb.readCookie(WRITER, SECRET),
      () => ctldb.writers.list(),
      () => ctldb.writers.find(WRITER),
      () => ctldb.writers.register(name, SECRET),
      () => ctldb.writers.rotate(WRITER, "s3cr3t-2", 0),
      () => ctldb.writers.revoke(WRITER),
      () => ctldb.writers.grant(WRITER, null),
      () => ctldb.operators.list(),
      () => ctldb.operators.create(operator, "read"),
      () => ctldb.operators.revoke(operator),
      () => ctldb.operators.authenticate(`ctl_${"A".repeat(43)}`),
      () => ctldb.operators.everAny(),
      () => ctldb.readers.list(FAMILY, COUNTS.table),
      () => ctldb.readers.declare(FAMILY, COUNTS.table, reader),
      () => ctldb.readers.withdraw(FAMILY, COUNTS.table, reader.reader),
      () => ctldb.audit.read({ limit: 1 }),
    ])
      expect([String(call), (await failureOf(call())).code]).toEqual([String(call), "ctldb_unavailable"]);
    expect(calls).toEqual({ queries: [], begins: 0 });
  });
});
