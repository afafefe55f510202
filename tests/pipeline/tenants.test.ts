/**
 * Two teams on one store, run with commands alone: operators with roles, grants, limits, a flood, rotation under load,
 * revocation, destruction; and the audit trail has all of it. Two Executives on one MariaDB, as real processes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Writer } from "../../client/index.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { runProcess } from "../support/process.ts";
import {
  ctlstore,
  SERVICE_ADMIN_TOKEN,
  type ServiceProcess,
  startExecutiveService,
} from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const FLAGS = ["--require-grants", "--destructive-schema-changes"];
const TIMEOUT_MS = 60_000;

let folder: TempFolder;
let executives: readonly [ServiceProcess, ServiceProcess];

beforeAll(async () => {
  folder = tempFolder("tenants");
  const ctldbUrl = await (await sharedMariadb()).createDatabase();
  executives = [await startExecutiveService(ctldbUrl, FLAGS), await startExecutiveService(ctldbUrl, FLAGS)];
}, TIMEOUT_MS);

afterAll(async () => {
  for (const executive of executives) await executive[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command as an operator, on one of the Executives; secrets go through files and the environment. */
async function as(operator: string, args: readonly string[], executive: 0 | 1 = 0): Promise<Ran> {
  const token = operator === "root" ? SERVICE_ADMIN_TOKEN : `@${folder.file(`${operator}.token`)}`;
  const env = { CTLSTORE_EXECUTIVE: executives[executive].url, CTLSTORE_ADMIN_TOKEN: token };
  const { code, stdout, stderr } = await runProcess(ctlstore(...args), { env });
  return { code, out: stdout, err: stderr };
}

async function done(operator: string, args: readonly string[], executive: 0 | 1 = 0): Promise<string> {
  const { code, out, err } = await as(operator, args, executive);
  expect({ args, code, err }).toEqual({ args, code: 0, err: expect.any(String) });
  return out;
}

async function json(
  operator: string,
  args: readonly string[],
  executive: 0 | 1 = 0,
): Promise<Record<string, unknown>> {
  return JSON.parse(await done(operator, [...args, "--json"], executive));
}

async function refused(operator: string, args: readonly string[], code: string): Promise<void> {
  const ran = await as(operator, args);
  expect({ args, code: ran.code, out: ran.out, err: ran.err }).toEqual({
    args,
    code: 1,
    out: "",
    err: expect.stringContaining(`[${code}]`),
  });
}

function secretIn(file: string): string {
  return readFileSync(folder.file(file), "utf8").trim();
}

function writerOf(
  writer: string,
  family: string,
  options: { secret: string; executive?: 0 | 1; retryForMs?: number },
): Writer {
  const { secret, executive = 0, retryForMs = 0 } = options;
  return new Writer({ url: executives[executive].url, writer, secret, family, retryForMs });
}

/** The code with which a write of one row is refused; null when it is taken. */
async function codeOfWrite(
  writer: string,
  family: string,
  options: { secret: string; executive?: 0 | 1 },
): Promise<string | null> {
  const headers = { "ctlstore-writer": writer, "ctlstore-secret": options.secret };
  const body = JSON.stringify({ mutations: [{ table: "rows", values: { id: 0 } }] });
  const url = `${executives[options.executive ?? 0].url}/families/${family}/mutations`;
  const answer = await fetch(url, { method: "POST", headers, body });
  if (answer.status === 200) return null;
  return ((await answer.json()) as { error: { code: string } }).error.code;
}

const BOTH = [0, 1] as const;

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
        await done("root", [
          "operator",
          "create",
          name,
          "--role",
          role,
          "--token-file",
          folder.file(`${name}.token`),
        ]);
      expect(await done("bank-team", ["operator", "whoami"], 1)).toBe("bank-team, role schema\n");
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
        expect((await as(`${family}-team`, [...table, "--dry-run"])).code).toBe(1);
        await done(`${family}-team`, ["create-family", family]);
        expect(await done(`${family}-team`, [...table, "--dry-run"], 1)).toContain("CREATE TABLE");
        await done(`${family}-team`, table, 1);
      }
      await done("shop-team", [
        "reader",
        "declare",
        "shop/rows",
        "--reader",
        "checkout",
        "--contact",
        "#checkout",
      ]);
      await refused("auditor", ["create-family", "mine"], "not_granted");
      await refused("shop-team", ["register-writer", "sneaky"], "not_granted");
      await refused("shop-team", ["drop-table", "bank/rows", "--yes"], "not_granted");
      await refused("shop-team", ["limits", "fleet", "set", "--rows", "1/1m"], "not_granted");
    },
    TIMEOUT_MS,
  );

  test(
    "D22 writers write nothing before they are granted a family, and then that family alone",
    async () => {
      for (const family of ["shop", "bank"])
        await done("ops", [
          "register-writer",
          `${family}-importer`,
          "--secret-file",
          folder.file(`${family}.secret`),
        ]);
      const secret = secretIn("shop.secret");
      expect(secret).toMatch(/^[\w-]{43}$/);
      expect(await codeOfWrite("shop-importer", "shop", { secret })).toBe("not_granted");
      await done("ops", ["writer", "grant", "shop-importer", "shop"]);
      await done("ops", ["writer", "grant", "bank-importer", "bank"]);
      for (const executive of BOTH) {
        expect(await codeOfWrite("shop-importer", "shop", { secret, executive })).toBeNull();
        // D13: a family's name is the same in any case.
        for (const family of ["bank", "BANK"])
          expect(await codeOfWrite("shop-importer", family, { secret, executive })).toBe("not_granted");
      }
      expect(await json("auditor", ["writer", "show", "shop-importer"])).toMatchObject({
        grants: ["shop"],
        secretForm: "salted",
      });
    },
    TIMEOUT_MS,
  );

  test(
    "R34 D11 a flood of one writer is limited exactly, and the other writes on",
    async () => {
      await done("ops", ["limits", "writers", "set", "shop-importer", "--rows", "30/1m"], 1);
      const secret = secretIn("shop.secret");
      const bank = writerOf("bank-importer", "bank", { secret: secretIn("bank.secret"), executive: 1 });
      let isOver = false;
      const steady = (async () => {
        let written = 0;
        for (; !isOver || written < 10; written++)
          await bank.write([{ table: "rows", values: { id: written } }]);
        return written;
      })();
      const codes = await Promise.all(
        Array.from({ length: 160 }, (_, i) =>
          codeOfWrite("shop-importer", "shop", { secret, executive: BOTH[i % 2] ?? 0 }),
        ),
      );
      isOver = true;
      // Each of the steady writes had its answer, or `write` had thrown.
      expect(await steady).toBeGreaterThanOrEqual(10);
      const accepted = codes.filter((code) => code === null).length;
      expect([...new Set(codes)].sort()).toEqual(["rate_limited", null].sort());
      // The minute may have turned meanwhile.
      expect(accepted).toBeLessThanOrEqual(60);
      const { writers } = (await json("auditor", ["limits", "usage"])) as {
        writers: { writer: string; rows: number }[];
      };
      for (const { writer, rows } of writers)
        if (writer === "shop-importer") expect(rows).toBeLessThanOrEqual(30);
    },
    TIMEOUT_MS,
  );

  test(
    "status names the writer that has used up its limit, until the limit is raised on any Executive",
    async () => {
      const secret = secretIn("shop.secret");
      const status = async () => {
        // In a new minute it has to be used up again.
        await Promise.all(Array.from({ length: 40 }, () => codeOfWrite("shop-importer", "shop", { secret })));
        return (await json("auditor", ["status"])) as { nearLimits: { name: string; percent: number }[] };
      };
      await until(
        async () =>
          (await status()).nearLimits.some(
            ({ name, percent }) => name === "shop-importer" && percent === 100,
          ),
        { what: "a limit that is used up" },
      );
      await done("ops", ["limits", "writers", "set", "shop-*", "--rows", "100000/1m", "--bytes", "64MiB/1m"]);
      // The exact name goes before the beginning of names.
      await status();
      expect((await json("auditor", ["limits", "usage"]))["writers"]).toContainEqual(
        expect.objectContaining({ writer: "shop-importer", "rate-limit": { amount: 30, period: "1m" } }),
      );
      await done("ops", ["limits", "writers", "reset", "shop-importer"]);
      for (const executive of BOTH)
        await until(
          async () => (await codeOfWrite("shop-importer", "shop", { secret, executive })) === null,
          {
            what: "the new limit",
          },
        );
      expect(await done("auditor", ["limits"])).toContain("shop-*");
    },
    TIMEOUT_MS,
  );

  test(
    "R45 a secret is rotated under load without a refused write, and ends when it is told to",
    async () => {
      const old = secretIn("bank.secret");
      let secret = old;
      let isOver = false;
      const load = BOTH.map(async (executive) => {
        let written = 0;
        for (; !isOver; written++)
          expect(await codeOfWrite("bank-importer", "bank", { secret, executive })).toBeNull();
        return written;
      });
      const made = await json("ops", [
        "writer",
        "rotate",
        "bank-importer",
        "--overlap",
        "1h",
        "--secret-file",
        folder.file("bank-new.secret"),
      ]);
      expect(made["previousSecretUntil"]).toEqual(expect.any(String));
      secret = secretIn("bank-new.secret");
      expect(await codeOfWrite("bank-importer", "bank", { secret: old, executive: 1 })).toBeNull();
      isOver = true;
      for (const written of await Promise.all(load)) expect(written).toBeGreaterThan(0);
      // It leaked: nothing but the newest is valid from now on.
      const newest = (await done("ops", ["writer", "rotate", "bank-importer", "--overlap", "0s"])).trim();
      for (const executive of BOTH) {
        for (const leaked of [old, secret])
          await until(
            async () =>
              (await codeOfWrite("bank-importer", "bank", { secret: leaked, executive })) ===
              "bad_credentials",
            { what: "the end of a secret" },
          );
        expect(await codeOfWrite("bank-importer", "bank", { secret: newest, executive })).toBeNull();
      }
    },
    TIMEOUT_MS,
  );

  test(
    "R45 a revoked writer is refused everywhere, keeps its cookie, and comes back with a new secret",
    async () => {
      const secret = secretIn("shop.secret");
      await writerOf("shop-importer", "shop", { secret }).write(
        [{ table: "rows", values: { id: 1, text: "kept" } }],
        { cookie: new TextEncoder().encode("kept") },
      );
      expect((await as("ops", ["writer", "revoke", "shop-importer"])).code).toBe(2);
      expect(await codeOfWrite("shop-importer", "shop", { secret })).toBeNull();
      await done("ops", ["writer", "revoke", "shop-importer", "--yes"]);
      for (const executive of BOTH)
        await until(
          async () =>
            (await codeOfWrite("shop-importer", "shop", { secret, executive })) === "bad_credentials",
          { what: "a revocation" },
        );
      const again = (await done("ops", ["writer", "rotate", "shop-importer"], 1)).trim();
      // What was just refused is looked up again a moment later.
      const cookie = await until(() => writerOf("shop-importer", "shop", { secret: again }).readCookie(), {
        what: "the new secret",
      });
      expect(new TextDecoder().decode(cookie)).toBe("kept");
    },
    TIMEOUT_MS,
  );

  test(
    "rows are cleared only by who may, after a look at who reads them",
    async () => {
      const look = await json("shop-team", ["clear-rows", "shop", "--dry-run"]).catch(() => null);
      expect(look).toBeNull();
      const preview = await json("ops", ["clear-rows", "shop", "--dry-run"], 1);
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
      expect(await as("ops", ["clear-rows", "shop"])).toMatchObject({
        code: 2,
        err: expect.stringContaining("--yes"),
      });
      await done("ops", ["clear-rows", "shop", "--yes"]);
      expect(await json("ops", ["clear-rows", "shop", "--dry-run"])).toMatchObject({ tables: [{ rows: 0 }] });
      await done("ops", ["drop-table", "bank/rows", "--yes"], 1);
    },
    TIMEOUT_MS,
  );

  test(
    "an operator's token is of no use on any Executive once it is revoked",
    async () => {
      await done("ops", ["operator", "revoke", "bank-team", "--yes"]);
      for (const executive of BOTH)
        await until(
          async () =>
            (await as("bank-team", ["operator", "whoami"], executive)).err.includes("[bad_credentials]"),
          { what: "a revocation" },
        );
    },
    TIMEOUT_MS,
  );

  test(
    "the audit trail has every change with who made it, the newest first, and no secret",
    async () => {
      const text = await done("ops", ["audit", "--limit", "1000", "--json"], 1);
      const { entries } = JSON.parse(text) as {
        entries: { actor: string; action: string; target: string }[];
      };
      expect(entries.map(({ actor, action, target }) => `${actor} ${action} ${target}`).reverse()).toEqual(
        HISTORY,
      );
      await refused("auditor", ["audit"], "not_granted");
      const said = executives.map(({ process }) => process.stdout + process.stderr).join("");
      for (const file of ["ops.token", "shop.secret", "bank.secret", "bank-new.secret"]) {
        expect(text).not.toContain(secretIn(file));
        expect(said).not.toContain(secretIn(file));
      }
      expect((await done("ops", ["audit", "--actor", "bank-team"])).trim().split("\n").length).toBe(3);
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
