/** Operators and their tokens (D22), and the readers of tables that they declare. */
import { describe, expect, test } from "bun:test";
import {
  type FamilyName,
  type OperatorName,
  parseFamilyName,
  parseOperatorName,
  parseTableName,
} from "../../../core/names.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { until } from "../../support/until.ts";
import type { ConformanceTarget } from "../conformance.ts";
import { COUNTS, FAMILY, failureOf, open, openFilled } from "../fixture.ts";

const OTHER_FAMILY = parseFamilyName("other");

export function operatorTests(target: ConformanceTarget): void {
  describe("an operator", () => {
    const alice = parseOperatorName("alice");
    const bob = parseOperatorName("Bob@example.org");

    test("D22 is known by its token alone, of which only a digest is stored", async () => {
      const url = await target.createDatabase();
      await using ctldb = await open(url);
      expect(await ctldb.operators.everAny()).toBe(false);
      const { operator, token } = await ctldb.operators.create(alice, "schema", { actor: "root" });
      expect(token).toMatch(/^ctl_[A-Za-z0-9_-]{43}$/);
      expect(operator).toMatchObject({ name: alice, role: "schema", createdBy: "root" });
      const second = await ctldb.operators.create(bob, "read");
      expect(await ctldb.operators.everAny()).toBe(true);
      expect(await ctldb.operators.authenticate(token)).toEqual(operator);
      expect(await ctldb.operators.authenticate(second.token)).toEqual(second.operator);
      expect(await ctldb.operators.list()).toEqual([operator, second.operator]);
      for (const wrong of [
        "",
        token.slice(0, -1),
        `${token} `,
        token.toUpperCase(),
        "alice",
        `ctl_${"A".repeat(43)}`,
      ])
        expect(await ctldb.operators.authenticate(wrong)).toBeNull();
      expect(
        JSON.stringify(await ctldb.audit.read({ limit: 100 }), (_, value) => String(value)),
      ).not.toContain(token);
      expect((await failureOf(ctldb.operators.create(alice, "admin"))).code).toBe("operator_exists");
      expect(await ctldb.operators.authenticate(token)).toEqual(operator);
    });

    test("D22 is refused by every Executive soon after it is revoked, and accepted at once when it is made", async () => {
      const url = await target.createDatabase();
      await using first = await open(url);
      await using second = await open(url);
      expect(await second.operators.everAny()).toBe(false);
      const { token } = await first.operators.create(alice, "admin");
      await until(() => second.operators.authenticate(token), { what: "the other Executive to know it" });
      await first.operators.revoke(alice);
      expect(await first.operators.authenticate(token)).toBeNull();
      expect(await first.operators.list()).toEqual([]);
      // What asks for no token while there was never an operator must not open with the last one, after a restart neither.
      expect(await first.operators.everAny()).toBe(true);
      await using third = await open(url);
      expect(await third.operators.everAny()).toBe(true);
      await until(async () => (await second.operators.authenticate(token)) === null, {
        what: "the other Executive to refuse it",
      });
      expect((await failureOf(first.operators.revoke(alice))).code).toBe("unknown_operator");
      const again = await first.operators.create(alice, "read");
      expect(await first.operators.authenticate(token)).toBeNull();
      expect(await first.operators.authenticate(again.token)).toMatchObject({ role: "read" });
    });

    test("cannot have a name that the audit trail has for others", async () => {
      const url = await target.createDatabase();
      await using ctldb = await open(url);
      for (const name of ["admin-token", "anonymous", "unnamed"])
        expect((await failureOf(ctldb.operators.create(parseOperatorName(name), "admin"))).code).toBe(
          "invalid_name",
        );
      expect(await ctldb.operators.list()).toEqual([]);
    });

    test("is nobody when somebody gave it a role that does not exist", async () => {
      const url = await target.createDatabase();
      await using ctldb = await open(url);
      const { token } = await ctldb.operators.create(alice, "read");
      await target.sql(url, "UPDATE ctlstore_operators SET role = 'owner'");
      await using other = await open(url);
      expect(await other.operators.authenticate(token)).toBeNull();
    });
  });

  describe("a declared reader", () => {
    const api = parseOperatorName("api");
    const web = parseOperatorName("web");
    const read = async (ctldb: CtlDb) =>
      (await ctldb.readers.list(FAMILY, COUNTS.table)).map(({ reader, contact, declaredBy }) => [
        reader as OperatorName,
        contact,
        declaredBy,
      ]);

    test("stands with its contact until it is withdrawn, or its table is dropped", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const { table: name } = COUNTS;
      await ctldb.readers.declare(FAMILY, name, { reader: web, contact: null }, { actor: "alice" });
      await ctldb.readers.declare(FAMILY, name, { reader: api, contact: "#o'api" }, { actor: "bob" });
      expect(await read(ctldb)).toEqual([
        [api, "#o'api", "bob"],
        [web, null, "alice"],
      ] as never);
      // Again the same is no change; another contact replaces.
      await ctldb.readers.declare(FAMILY, name, { reader: web, contact: null }, { actor: "carol" });
      await ctldb.readers.declare(FAMILY, name, { reader: api, contact: "api@x" }, { actor: "carol" });
      expect(await read(ctldb)).toEqual([
        [api, "api@x", "carol"],
        [web, null, "alice"],
      ] as never);
      await ctldb.readers.withdraw(FAMILY, name, api);
      expect(await read(ctldb)).toEqual([[web, null, "alice"]] as never);
      expect((await failureOf(ctldb.readers.withdraw(FAMILY, name, api))).code).toBe("unknown_reader");
      await ctldb.dropTable(FAMILY, name);
      expect((await failureOf(ctldb.readers.list(FAMILY, name))).code).toBe("unknown_table");
      await ctldb.createTables([COUNTS]);
      expect(await read(ctldb)).toEqual([]);
    });

    test("is refused with its reason when it cannot be one", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const fresh = parseTableName("fresh");
      const declare = (family: FamilyName, name: typeof fresh, contact: string | null) =>
        failureOf(ctldb.readers.declare(family, name, { reader: api, contact }));
      expect((await declare(FAMILY, fresh, null)).code).toBe("unknown_table");
      expect((await declare(OTHER_FAMILY, fresh, null)).code).toBe("unknown_family");
      for (const contact of ["x".repeat(192), "two\nlines", "\ud800"])
        expect((await declare(FAMILY, COUNTS.table, contact)).code).toBe("invalid_value");
      expect(await read(ctldb)).toEqual([]);
    });
  });
}
