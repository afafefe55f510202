/**
 * Two teams on one store, run with commands alone: operators with roles, grants, limits, a flood, rotation under load,
 * revocation, destruction; and the audit trail has all of it. Two Executives on one MariaDB, as real processes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { until } from "../support/until.ts";
import { BOTH, openTenants, type Tenants } from "./tenants-world.ts";

const TIMEOUT_MS = 60_000;

interface Used {
  readonly writer: string;
  readonly rows: number;
}

let tenants: Tenants;

beforeAll(async () => {
  tenants = await openTenants();
}, TIMEOUT_MS);

afterAll(() => tenants[Symbol.asyncDispose]());

describe("two teams on one store", () => {
  test(
    "get operators with roles, and each its own family",
    async () => {
      for (const [name, role] of [
        ["ops", "admin"],
        ["shop-team", "schema"],
        ["bank-team", "schema"],
        ["auditor", "read"],
      ] as const)
        await tenants.done("root", [
          "operator",
          "create",
          name,
          "--role",
          role,
          "--token-file",
          tenants.file(`${name}.token`),
        ]);
      expect(await tenants.done("bank-team", ["operator", "whoami"], 1)).toBe("bank-team, role schema\n");
      for (const family of ["shop", "bank"]) {
        const table = [
          "create-table",
          `${family}/rows`,
          "--field",
          "id:integer",
          "--field",
          "text:text",
          "--key",
          "id",
        ];
        expect((await tenants.as(`${family}-team`, [...table, "--dry-run"])).code).toBe(1);
        await tenants.done(`${family}-team`, ["create-family", family]);
        expect(await tenants.done(`${family}-team`, [...table, "--dry-run"], 1)).toContain("CREATE TABLE");
        await tenants.done(`${family}-team`, table, 1);
      }
      await tenants.done("shop-team", [
        "reader",
        "declare",
        "shop/rows",
        "--reader",
        "checkout",
        "--contact",
        "#checkout",
      ]);
      await tenants.refused("auditor", ["create-family", "mine"], "not_granted");
      await tenants.refused("shop-team", ["register-writer", "sneaky"], "not_granted");
      await tenants.refused("shop-team", ["drop-table", "bank/rows", "--yes"], "not_granted");
      await tenants.refused("shop-team", ["limits", "fleet", "set", "--rows", "1/1m"], "not_granted");
    },
    TIMEOUT_MS,
  );

  test(
    "D22 writers write nothing before they are granted a family, and then that family alone",
    async () => {
      for (const family of ["shop", "bank"])
        await tenants.done("ops", [
          "register-writer",
          `${family}-importer`,
          "--secret-file",
          tenants.file(`${family}.secret`),
        ]);
      const secret = tenants.secretIn("shop.secret");
      expect(secret).toMatch(/^[\w-]{43}$/);
      expect(await tenants.codeOfWrite("shop-importer", "shop", { secret })).toBe("not_granted");
      await tenants.done("ops", ["writer", "grant", "shop-importer", "shop"]);
      await tenants.done("ops", ["writer", "grant", "bank-importer", "bank"]);
      for (const executive of BOTH) {
        expect(await tenants.codeOfWrite("shop-importer", "shop", { secret, executive })).toBeNull();
        // D13: a family's name is the same in any case.
        for (const family of ["bank", "BANK"])
          expect(await tenants.codeOfWrite("shop-importer", family, { secret, executive })).toBe(
            "not_granted",
          );
      }
      expect(await tenants.json("auditor", ["writer", "show", "shop-importer"])).toMatchObject({
        grants: ["shop"],
        secretForm: "salted",
      });
    },
    TIMEOUT_MS,
  );

  test(
    "R34 D11 a flood of one writer is limited exactly, and the other writes on",
    async () => {
      await tenants.done("ops", ["limits", "writers", "set", "shop-importer", "--rows", "30/1m"], 1);
      const secret = tenants.secretIn("shop.secret");
      const bank = tenants.writerOf("bank-importer", "bank", {
        secret: tenants.secretIn("bank.secret"),
        executive: 1,
      });
      let isOver = false;
      const steady = (async () => {
        let written = 0;
        for (; !isOver || written < 10; written++)
          await bank.write([{ table: "rows", values: { id: written } }]);
        return written;
      })();
      const codes = await Promise.all(
        Array.from({ length: 160 }, (_, i) =>
          tenants.codeOfWrite("shop-importer", "shop", { secret, executive: BOTH[i % 2] ?? 0 }),
        ),
      );
      isOver = true;
      // Each of the steady writes had its answer, or `write` had thrown.
      expect(await steady).toBeGreaterThanOrEqual(10);
      const accepted = codes.filter((code) => code === null).length;
      expect([...new Set(codes)].sort()).toEqual(["rate_limited", null].sort());
      // The minute may have turned meanwhile.
      expect(accepted).toBeLessThanOrEqual(60);
      const { writers } = (await tenants.json("auditor", ["limits", "usage"])) as { writers: Used[] };
      for (const { writer, rows } of writers)
        if (writer === "shop-importer") expect(rows).toBeLessThanOrEqual(30);
    },
    TIMEOUT_MS,
  );

  test(
    "status names the writer that has used up its limit, until the limit is raised on any Executive",
    async () => {
      const secret = tenants.secretIn("shop.secret");
      const status = async () => {
        // In a new minute it has to be used up again.
        await Promise.all(
          Array.from({ length: 40 }, () => tenants.codeOfWrite("shop-importer", "shop", { secret })),
        );
        return (await tenants.json("auditor", ["status"])) as {
          nearLimits: { name: string; percent: number }[];
        };
      };
      await until(
        async () =>
          (await status()).nearLimits.some(
            ({ name, percent }) => name === "shop-importer" && percent === 100,
          ),
        { what: "a limit that is used up" },
      );
      await tenants.done("ops", [
        "limits",
        "writers",
        "set",
        "shop-*",
        "--rows",
        "100000/1m",
        "--bytes",
        "64MiB/1m",
      ]);
      // The exact name goes before the beginning of names; once more when the minute turned in between.
      const shown = async () => {
        await status();
        const { writers } = (await tenants.json("auditor", ["limits", "usage"])) as { writers: Used[] };
        return writers.find(({ writer }) => writer === "shop-importer");
      };
      expect(await until(shown, { what: "the writer's limit" })).toMatchObject({
        "rate-limit": { amount: 30, period: "1m" },
      });
      await tenants.done("ops", ["limits", "writers", "reset", "shop-importer"]);
      for (const executive of BOTH)
        await until(
          async () => (await tenants.codeOfWrite("shop-importer", "shop", { secret, executive })) === null,
          {
            what: "the new limit",
          },
        );
      expect(await tenants.done("auditor", ["limits"])).toContain("shop-*");
    },
    TIMEOUT_MS,
  );

  test(
    "R45 a secret is rotated under load without a refused write, and ends when it is told to",
    async () => {
      const old = tenants.secretIn("bank.secret");
      let secret = old;
      let isOver = false;
      const load = BOTH.map(async (executive) => {
        let written = 0;
        for (; !isOver; written++)
          expect(await tenants.codeOfWrite("bank-importer", "bank", { secret, executive })).toBeNull();
        return written;
      });
      const made = await tenants.json("ops", [
        "writer",
        "rotate",
        "bank-importer",
        "--overlap",
        "1h",
        "--secret-file",
        tenants.file("bank-new.secret"),
      ]);
      expect(made["previousSecretUntil"]).toEqual(expect.any(String));
      secret = tenants.secretIn("bank-new.secret");
      expect(await tenants.codeOfWrite("bank-importer", "bank", { secret: old, executive: 1 })).toBeNull();
      isOver = true;
      for (const written of await Promise.all(load)) expect(written).toBeGreaterThan(0);
      // It leaked: nothing but the newest is valid from now on.
      const newest = (
        await tenants.done("ops", ["writer", "rotate", "bank-importer", "--overlap", "0s"])
      ).trim();
      for (const executive of BOTH) {
        for (const leaked of [old, secret])
          await until(
            async () =>
              (await tenants.codeOfWrite("bank-importer", "bank", { secret: leaked, executive })) ===
              "bad_credentials",
            { what: "the end of a secret" },
          );
        expect(await tenants.codeOfWrite("bank-importer", "bank", { secret: newest, executive })).toBeNull();
      }
    },
    TIMEOUT_MS,
  );

  test(
    "R45 a revoked writer is refused everywhere, keeps its cookie, and comes back with a new secret",
    async () => {
      const secret = tenants.secretIn("shop.secret");
      await tenants
        .writerOf("shop-importer", "shop", { secret })
        .write([{ table: "rows", values: { id: 1, text: "kept" } }], {
          cookie: new TextEncoder().encode("kept"),
        });
      expect((await tenants.as("ops", ["writer", "revoke", "shop-importer"])).code).toBe(2);
      expect(await tenants.codeOfWrite("shop-importer", "shop", { secret })).toBeNull();
      await tenants.done("ops", ["writer", "revoke", "shop-importer", "--yes"]);
      for (const executive of BOTH)
        await until(
          async () =>
            (await tenants.codeOfWrite("shop-importer", "shop", { secret, executive })) === "bad_credentials",
          { what: "a revocation" },
        );
      const again = (await tenants.done("ops", ["writer", "rotate", "shop-importer"], 1)).trim();
      // What was just refused is looked up again a moment later.
      const cookie = await until(
        () => tenants.writerOf("shop-importer", "shop", { secret: again }).readCookie(),
        {
          what: "the new secret",
        },
      );
      expect(new TextDecoder().decode(cookie)).toBe("kept");
    },
    TIMEOUT_MS,
  );

  test(
    "rows are cleared only by who may, after a look at who reads them",
    async () => {
      const look = await tenants.json("shop-team", ["clear-rows", "shop", "--dry-run"]).catch(() => null);
      expect(look).toBeNull();
      const preview = await tenants.json("ops", ["clear-rows", "shop", "--dry-run"], 1);
      expect(preview).toMatchObject({
        possible: true,
        tables: [
          {
            table: "rows",
            rows: 2,
            readers: [{ reader: "checkout", contact: "#checkout" }],
            writers: [{ writer: "shop-importer" }],
          },
        ],
      });
      expect(await tenants.as("ops", ["clear-rows", "shop"])).toMatchObject({
        code: 2,
        err: expect.stringContaining("--yes"),
      });
      await tenants.done("ops", ["clear-rows", "shop", "--yes"]);
      expect(await tenants.json("ops", ["clear-rows", "shop", "--dry-run"])).toMatchObject({
        tables: [{ rows: 0 }],
      });
      await tenants.done("ops", ["drop-table", "bank/rows", "--yes"], 1);
    },
    TIMEOUT_MS,
  );

  test(
    "an operator's token is of no use on any Executive once it is revoked",
    async () => {
      await tenants.done("ops", ["operator", "revoke", "bank-team", "--yes"]);
      for (const executive of BOTH)
        await until(
          async () =>
            (await tenants.as("bank-team", ["operator", "whoami"], executive)).err.includes(
              "[bad_credentials]",
            ),
          { what: "a revocation" },
        );
    },
    TIMEOUT_MS,
  );

  test(
    "the audit trail has every change with who made it, the newest first, and no secret",
    async () => {
      const text = await tenants.done("ops", ["audit", "--limit", "1000", "--json"], 1);
      const { entries } = JSON.parse(text) as {
        entries: { actor: string; action: string; target: string }[];
      };
      expect(entries.map(({ actor, action, target }) => `${actor} ${action} ${target}`).reverse()).toEqual(
        HISTORY,
      );
      await tenants.refused("auditor", ["audit"], "not_granted");
      const said = tenants.executives.map(({ process }) => process.stdout + process.stderr).join("");
      for (const file of ["ops.token", "shop.secret", "bank.secret", "bank-new.secret"]) {
        expect(text).not.toContain(tenants.secretIn(file));
        expect(said).not.toContain(tenants.secretIn(file));
      }
      expect((await tenants.done("ops", ["audit", "--actor", "bank-team"])).trim().split("\n").length).toBe(
        3,
      );
    },
    TIMEOUT_MS,
  );
});

const HISTORY = [
  "admin-token operator.create operator ops",
  "admin-token operator.create operator shop-team",
  "admin-token operator.create operator bank-team",
  "admin-token operator.create operator auditor",
  "shop-team family.create shop",
  "shop-team table.create shop/rows",
  "bank-team family.create bank",
  "bank-team table.create bank/rows",
  "shop-team reader.declare shop/rows",
  "ops writer.register writer shop-importer",
  "ops writer.register writer bank-importer",
  "ops writer.grant writer shop-importer",
  "ops writer.grant writer bank-importer",
  "ops limit.set limits/writers/shop-importer",
  "ops limit.set limits/writers/shop-*",
  "ops limit.reset limits/writers/shop-importer",
  "ops writer.rotate writer bank-importer",
  "ops writer.rotate writer bank-importer",
  "ops writer.revoke writer shop-importer",
  "ops writer.rotate writer shop-importer",
  "ops rows.clear shop",
  "ops table.drop bank/rows",
  "ops operator.revoke operator bank-team",
];
