/** The audit trail: each change once, with who made it, in the transaction that made it; nothing of what was refused. */
import { describe, expect, test } from "bun:test";
import { ACCESS_LIMITS } from "../../../core/limits.ts";
import { parseFamilyName, parseFieldName, parseOperatorName, parseTableName } from "../../../core/names.ts";
import type { AuditEntry, AuditQuery } from "../../../ctldb/access/contract.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { readWholeLedger } from "../../support/replay-ledger.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  ALL_TYPES,
  COUNTS,
  count,
  FAMILY,
  failureOf,
  open,
  openFilled,
  request,
  SECRET,
  table,
  WRITER,
} from "../fixture.ts";

const ALICE = { actor: "alice" };
const NEW_SECRET = "s3cr3t-2";
const reader = { reader: parseOperatorName("api"), contact: "#api" };
const extra = { name: parseFieldName("extra"), type: "text" } as const;

/** Entries without what differs each time, oldest first. */
async function trail(ctldb: CtlDb, query: Partial<AuditQuery> = {}) {
  const { entries } = await ctldb.audit.read({ limit: 1_000, ...query });
  return entries.map(({ id: _, atUs: __, sequence: ___, ...rest }) => rest).reverse();
}

async function sequences(ctldb: CtlDb): Promise<(bigint | undefined)[]> {
  return (await ctldb.audit.read({ limit: 1_000 })).entries.map((entry) => entry.sequence).reverse();
}

export function auditTests(target: ConformanceTarget): void {
  describe("the audit trail", () => {
    test("D22 has each kind of change once, with who made it and what it was", async () => {
      const url = await target.createDatabase();
      await using ctldb = await open(url);
      const shop = parseFamilyName("shop");
      const item = table("item", { fields: [["id", "string"]], keyFields: ["id"] }, shop);
      const sku = table("sku", { fields: [["id", "integer"]], keyFields: ["id"] }, shop);
      await ctldb.createFamily(shop, ALICE);
      await ctldb.createTables([item, sku], ALICE);
      await ctldb.addFields(shop, item.table, [extra], ALICE);
      await ctldb.writers.register(WRITER, SECRET, ALICE);
      await ctldb.writers.rotate(WRITER, NEW_SECRET, 60, ALICE);
      await ctldb.writers.grant(WRITER, [shop], ALICE);
      await ctldb.writers.revoke(WRITER, ALICE);
      const operator = parseOperatorName("bob");
      await ctldb.operators.create(operator, "read", ALICE);
      await ctldb.operators.revoke(operator, ALICE);
      await ctldb.readers.declare(shop, item.table, reader, ALICE);
      await ctldb.readers.withdraw(shop, item.table, reader.reader, ALICE);
      await ctldb.clearRows(shop, item.table, ALICE);
      await ctldb.clearRows(shop, null, ALICE);
      await ctldb.dropTable(shop, sku.table, ALICE);
      const { actor } = ALICE;
      expect(await trail(ctldb)).toEqual([
        { actor, action: "family.create", target: "shop" },
        {
          actor,
          action: "table.create",
          target: "shop/item",
          detail: { fields: [["id", "string"]], keyFields: ["id"] },
        },
        {
          actor,
          action: "table.create",
          target: "shop/sku",
          detail: { fields: [["id", "integer"]], keyFields: ["id"] },
        },
        { actor, action: "table.add-fields", target: "shop/item", detail: { fields: [["extra", "text"]] } },
        { actor, action: "writer.register", target: "writer writer-1" },
        { actor, action: "writer.rotate", target: "writer writer-1", detail: { overlapSeconds: 60 } },
        {
          actor,
          action: "writer.grant",
          target: "writer writer-1",
          detail: { families: ["shop"], before: null },
        },
        { actor, action: "writer.revoke", target: "writer writer-1" },
        { actor, action: "operator.create", target: "operator bob", detail: { role: "read" } },
        { actor, action: "operator.revoke", target: "operator bob", detail: { role: "read" } },
        { actor, action: "reader.declare", target: "shop/item", detail: reader },
        { actor, action: "reader.withdraw", target: "shop/item", detail: { reader: "api" } },
        { actor, action: "rows.clear", target: "shop/item" },
        { actor, action: "rows.clear", target: "shop", detail: { tables: ["item", "sku"] } },
        { actor, action: "table.drop", target: "shop/sku" },
      ]);
      // Changes of tables are found in the ledger by their sequence.
      const { entries } = await readWholeLedger(url);
      const last = (await sequences(ctldb)).map((sequence) =>
        entries.find((entry) => entry.sequence === sequence)?.statement.replace(/ \(.*/s, ""),
      );
      expect(last.filter((statement) => statement !== undefined)).toEqual(
        [
          "CREATE TABLE shop___item",
          "CREATE TABLE shop___sku",
          'ALTER TABLE shop___item ADD COLUMN "extra" VARCHAR',
          "DELETE FROM shop___item",
          "--- COMMIT",
          "DROP TABLE IF EXISTS shop___sku",
        ].map((statement) => expect.stringContaining(statement.split(" ADD")[0] ?? "")),
      );
    });

    test("D22 has nothing of what was refused, of what changed nothing, and of writes", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const before = await trail(ctldb);
      expect(before.map(({ actor }) => actor)).toEqual(before.map(() => "unnamed"));
      await ctldb.write(request([count("a")]));
      const unknown = parseTableName("unknown");
      for (const refused of [
        () => ctldb.createFamily(FAMILY, ALICE),
        () => ctldb.createTables([COUNTS], ALICE),
        () =>
          ctldb.createTables(
            [table("fresh", { fields: [["id", "string"]], keyFields: ["id"] }), COUNTS],
            ALICE,
          ),
        () => ctldb.addFields(FAMILY, COUNTS.table, [{ ...extra, name: parseFieldName("count") }], ALICE),
        () => ctldb.dropTable(FAMILY, unknown, ALICE),
        () => ctldb.clearRows(FAMILY, unknown, ALICE),
        () => ctldb.writers.register(WRITER, "another", ALICE),
        () => ctldb.operators.revoke(parseOperatorName("nobody"), ALICE),
        () => ctldb.readers.declare(FAMILY, unknown, reader, ALICE),
        () => ctldb.readers.withdraw(FAMILY, COUNTS.table, reader.reader, ALICE),
      ])
        await failureOf(refused());
      await ctldb.writers.register(WRITER, SECRET, ALICE);
      await ctldb.writers.rotate(WRITER, SECRET, 0, ALICE);
      await ctldb.writers.grant(WRITER, null, ALICE);
      await ctldb.addFields(FAMILY, COUNTS.table, [], ALICE);
      expect(await trail(ctldb)).toEqual(before);
    });

    test("has changes of many Executives at once in the order in which they took effect", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const known = (await trail(first)).length;
      const secrets = Array.from({ length: 20 }, (_, i) => `s3cr3t-${i + 10}`);
      await Promise.all(
        secrets.map((secret, i) =>
          (i % 2 === 0 ? first : second).writers.rotate(WRITER, secret, 60, { actor: `actor-${i}` }),
        ),
      );
      const entries = (await trail(second)).slice(known);
      expect(entries.map(({ actor }) => actor).sort()).toEqual(secrets.map((_, i) => `actor-${i}`).sort());
      const lastActor = Number(entries.at(-1)?.actor.slice("actor-".length));
      const valid = await Promise.all(
        secrets.map((secret) =>
          first.readCookie(WRITER, secret).then(
            () => true,
            () => false,
          ),
        ),
      );
      expect(valid[lastActor]).toBe(true);
      expect(valid.filter(Boolean)).toHaveLength(2);
    });

    test("is read page by page, newest first, and by actor, action and target", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      for (let i = 0; i < 7; i++) {
        const actor = i % 2 === 0 ? "alice" : "o'bob";
        await ctldb.readers.declare(FAMILY, COUNTS.table, { ...reader, contact: `${i}` }, { actor });
      }
      const all = (await ctldb.audit.read({ limit: 1_000 })).entries;
      expect(all).toHaveLength(11);
      const pages: AuditEntry[][] = [];
      for (let before: bigint | null | undefined; before !== null; ) {
        const page = await ctldb.audit.read({ limit: 4, ...(before === undefined ? {} : { before }) });
        pages.push([...page.entries]);
        before = page.next;
      }
      expect(pages.map((page) => page.length)).toEqual([4, 4, 3]);
      expect(pages.flat()).toEqual([...all]);
      expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort((a, b) => (a > b ? -1 : 1)));
      for (const { atUs } of all) expect(Math.abs(atUs / 1_000 - Date.now())).toBeLessThan(3_600_000);
      expect(await trail(ctldb, { actor: "o'bob" })).toHaveLength(3);
      expect(await trail(ctldb, { actor: "O'bob" })).toEqual([]);
      expect(
        await trail(ctldb, { action: "table.create", target: `${FAMILY}/${ALL_TYPES.table}` }),
      ).toHaveLength(1);
      expect(await trail(ctldb, { target: `${FAMILY}/${COUNTS.table}` })).toHaveLength(8);
      for (const limit of [0, -1, 1.5, 1_001, Number.NaN])
        expect((await failureOf(ctldb.audit.read({ limit }))).code).toBe("invalid_value");
    });

    test("keeps a million entries, and loses the oldest ones, when there come more", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const far = "INSERT INTO ctlstore_audit (id, entry_id, at_us, actor, action, target) VALUES";
      await target.sql(url, `${far} (${ACCESS_LIMITS.auditEntries + 2}, 'far', 1, 'far', 'limit.set', 'x')`);
      await ctldb.writers.grant(WRITER, [FAMILY]);
      const { entries } = await ctldb.audit.read({ limit: 100 });
      const newest = BigInt(ACCESS_LIMITS.auditEntries) + 3n;
      expect(entries.map(({ id }) => id)).toEqual([newest, newest - 1n, 4n, 3n]);
    });

    test("is shown as it is when somebody has broken an entry by hand", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await target.sql(url, "UPDATE ctlstore_audit SET detail = '{\"half' WHERE action = 'family.create'");
      expect((await trail(ctldb))[0]).toMatchObject({ action: "family.create", detail: { text: '{"half' } });
    });
  });
}
