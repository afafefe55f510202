/** Who may write: secrets and their rotation (R45), grants (D22). */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type FamilyName, parseFamilyName, parseWriterName } from "../../../core/names.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { until } from "../../support/until.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  bytes,
  count,
  expectConsistent,
  FAMILY,
  failureOf,
  open,
  openFilled,
  request,
  SECRET,
  table,
  WRITER,
} from "../fixture.ts";

const NEW_SECRET = "s3cr3t-2";
const DAY = 24 * 3_600;
const NOBODY = parseWriterName("nobody");
const OTHER_FAMILY = parseFamilyName("other");

/** How a write with a secret ends: its error's code, or "written". */
function tryWrite(ctldb: CtlDb, secret: string, family: FamilyName = FAMILY): Promise<string> {
  return ctldb.write(request([count("a")], { secret, family })).then(
    () => "written",
    (error) => error.code,
  );
}

/** The same with a request that moves the cookie alone, and with one that reads it. */
function tryCookie(ctldb: CtlDb, secret: string): Promise<string[]> {
  return Promise.all(
    [
      ctldb.write(request([], { family: null, secret, cookie: bytes("c") })),
      ctldb.readCookie(WRITER, secret),
    ].map((call) =>
      call.then(
        () => "done",
        (error) => error.code,
      ),
    ),
  );
}

export function accessTests(target: ConformanceTarget): void {
  describe("a writer's secret", () => {
    test("D22 is stored salted, and listed without being told", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.writers.register(parseWriterName("alpha"), SECRET);
      const infos = await ctldb.writers.list();
      const info = { grants: null, revoked: false, secretForm: "salted", previousSecretUntil: null } as const;
      expect(infos).toEqual([parseWriterName("alpha"), WRITER].sort().map((writer) => ({ writer, ...info })));
      expect(await ctldb.writers.find(WRITER)).toEqual({ writer: WRITER, ...info });
      expect((await failureOf(ctldb.writers.find(NOBODY))).code).toBe("unknown_writer");
    });

    test("R45 is rotated without a refusal of either while writes never stop, on two Executives", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const both = [first, second];
      const ends: { readonly secret: string; readonly end: string; readonly atSeconds: number }[] = [];
      let stopped = false;
      const deadlineMs = performance.now() + 20_000;
      const writeOn = async (ctldb: CtlDb, secret: string) => {
        while (!stopped && performance.now() < deadlineMs) {
          const end = await tryWrite(ctldb, secret);
          ends.push({ secret, end, atSeconds: Math.floor(Date.now() / 1000) });
          if (end !== "written") return;
        }
      };
      const old = both.map((ctldb) => writeOn(ctldb, SECRET));
      await until(() => ends.length > 10, { what: "some writes" });
      const { previousSecretUntil } = await first.writers.rotate(WRITER, NEW_SECRET, 2);
      const fresh = both.map((ctldb) => writeOn(ctldb, NEW_SECRET));
      // The old secret's writers end with the overlap.
      await Promise.all(old);
      stopped = true;
      await Promise.all(fresh);
      const refused = ends.filter(({ end }) => end !== "written");
      expect(refused.map(({ secret, end }) => [secret, end])).toEqual([
        [SECRET, "bad_credentials"],
        [SECRET, "bad_credentials"],
      ]);
      for (const { atSeconds } of refused) expect(atSeconds).toBeGreaterThanOrEqual(previousSecretUntil ?? 0);
      for (const ctldb of both) {
        expect(ends.some(({ secret, end }) => secret === NEW_SECRET && end === "written")).toBe(true);
        expect(await tryCookie(ctldb, SECRET)).toEqual(["bad_credentials", "bad_credentials"]);
        expect(await tryCookie(ctldb, NEW_SECRET)).toEqual(["done", "done"]);
        expect(await ctldb.writers.find(WRITER)).toMatchObject({ previousSecretUntil: null });
      }
      await expectConsistent(url);
    });

    test("R45 is refused at once after a rotation without overlap, and by the other Executive too", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      expect(await tryWrite(second, SECRET)).toBe("written");
      await first.writers.rotate(WRITER, NEW_SECRET, 0);
      for (const ctldb of [first, second]) {
        expect(await tryWrite(ctldb, SECRET)).toBe("bad_credentials");
        expect(await tryWrite(ctldb, NEW_SECRET)).toBe("written");
      }
    });

    test("R45 stays as it is when a rotation is repeated, whose overlap can only become shorter", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const before = await ctldb.writers.rotate(WRITER, NEW_SECRET, DAY);
      expect(before.previousSecretUntil).toBeGreaterThan(Date.now() / 1000 + DAY - 60);
      const entries = (await ctldb.audit.read({ limit: 100 })).entries.length;
      expect(await ctldb.writers.rotate(WRITER, NEW_SECRET, DAY)).toEqual(before);
      expect(await ctldb.writers.rotate(WRITER, NEW_SECRET, 2 * DAY)).toEqual(before);
      expect((await ctldb.audit.read({ limit: 100 })).entries).toHaveLength(entries);
      expect(await tryWrite(ctldb, SECRET)).toBe("written");
      expect(await ctldb.writers.rotate(WRITER, NEW_SECRET, 0)).toMatchObject({ previousSecretUntil: null });
      expect(await tryWrite(ctldb, SECRET)).toBe("bad_credentials");
      expect(await tryWrite(ctldb, NEW_SECRET)).toBe("written");
    });

    test("R45 is registered already when either of the two valid ones is registered again", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.writers.rotate(WRITER, NEW_SECRET, DAY);
      await ctldb.writers.register(WRITER, SECRET);
      await ctldb.writers.register(WRITER, NEW_SECRET);
      expect((await failureOf(ctldb.writers.register(WRITER, "s3cr3t-3"))).code).toBe("writer_exists");
    });

    test("D22 R45 is refused on every Executive from the next request on when it is revoked, until it is rotated", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      await first.write(request([], { family: null, cookie: bytes("kept") }));
      await first.writers.rotate(WRITER, NEW_SECRET, DAY);
      expect(await tryWrite(second, SECRET)).toBe("written");
      await first.writers.revoke(WRITER);
      await first.writers.revoke(WRITER);
      for (const ctldb of [second, first]) {
        for (const secret of [SECRET, NEW_SECRET, "!"]) {
          expect(await tryWrite(ctldb, secret)).toBe("bad_credentials");
          expect(await tryCookie(ctldb, secret)).toEqual(["bad_credentials", "bad_credentials"]);
        }
      }
      expect(await first.writers.find(WRITER)).toMatchObject({ revoked: true, secretForm: null });
      const again = await failureOf(first.writers.register(WRITER, SECRET));
      expect([again.code, again.message]).toEqual(["writer_exists", expect.stringContaining("revoked")]);
      expect(await first.writers.rotate(WRITER, "s3cr3t-3", DAY)).toMatchObject({
        revoked: false,
        previousSecretUntil: null,
      });
      expect(await first.readCookie(WRITER, "s3cr3t-3")).toEqual(bytes("kept"));
      await until(async () => (await tryWrite(second, "s3cr3t-3")) === "written", { what: "the new secret" });
    });

    test("is refused with its reason when what is asked for is not possible", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      for (const call of [
        () => ctldb.writers.rotate(NOBODY, SECRET, 0),
        () => ctldb.writers.revoke(NOBODY),
        () => ctldb.writers.grant(NOBODY, null),
      ])
        expect((await failureOf(call())).code).toBe("unknown_writer");
      for (const overlap of [-1, 0.5, Number.NaN, 366 * DAY]) {
        const error = await failureOf(ctldb.writers.rotate(WRITER, NEW_SECRET, overlap));
        expect([error.code, error.details.field]).toEqual(["invalid_value", "overlap"]);
      }
      const families = Array.from({ length: 1_001 }, (_, i) => parseFamilyName(`family_${i}`));
      expect((await failureOf(ctldb.writers.grant(WRITER, families))).code).toBe("invalid_value");
      expect((await ctldb.audit.read({ limit: 100 })).entries.map(({ action }) => action)).toEqual([
        "writer.register",
        "table.create",
        "table.create",
        "family.create",
      ]);
    });
  });

  describe("a secret stored as the original does", () => {
    const original = createHash("sha256").update("s3cr3t-before").digest("hex");
    const asOriginal = (url: string) =>
      target.sql(url, `UPDATE mutators SET secret = '${original}' WHERE writer = '${WRITER}'`);

    test("is accepted, and stored salted by its first use", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await asOriginal(url);
      expect(await ctldb.writers.find(WRITER)).toMatchObject({ secretForm: "sha256" });
      expect(await tryWrite(ctldb, "wrong")).toBe("bad_credentials");
      expect(await ctldb.writers.find(WRITER)).toMatchObject({ secretForm: "sha256" });
      expect(await tryWrite(ctldb, "s3cr3t-before")).toBe("written");
      const salted = async () => (await ctldb.writers.find(WRITER)).secretForm === "salted";
      await until(salted, { what: "the salted form" });
      expect(await tryWrite(ctldb, "s3cr3t-before")).toBe("written");
      expect(await tryCookie(ctldb, "s3cr3t-before")).toEqual(["done", "done"]);
      expect(await tryWrite(ctldb, original)).toBe("bad_credentials");
    });

    test("R40 stays as it is, and new ones are stored so, with original secrets", async () => {
      const url = await target.createDatabase();
      const name = parseWriterName("second");
      {
        await using ctldb = await openFilled(url, { originalSecrets: true });
        await asOriginal(url);
        expect(await tryWrite(ctldb, "s3cr3t-before")).toBe("written");
        await ctldb.writers.register(name, SECRET);
        await ctldb.writers.rotate(WRITER, NEW_SECRET, DAY);
        expect(await tryWrite(ctldb, "s3cr3t-before")).toBe("written");
        expect(await tryWrite(ctldb, NEW_SECRET)).toBe("written");
      }
      await using ctldb = await open(url);
      expect((await ctldb.writers.list()).map(({ secretForm }) => secretForm)).toEqual(["sha256", "sha256"]);
    });
  });

  describe("a grant", () => {
    test("D22 opens the families that it names and no others, and taking it away closes them", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      await first.createFamily(OTHER_FAMILY);
      const definition = {
        fields: [
          ["name", "string"],
          ["count", "integer"],
        ],
        keyFields: ["name"],
      } as const;
      await first.createTables([table("counts", definition, OTHER_FAMILY)]);
      const ends = async (ctldb: CtlDb) => [
        await tryWrite(ctldb, SECRET, FAMILY),
        await tryWrite(ctldb, SECRET, OTHER_FAMILY),
        ...(await tryCookie(ctldb, SECRET)),
      ];
      const cookie = ["done", "done"];
      expect(await ends(second)).toEqual(["written", "written", ...cookie]);
      const info = await first.writers.grant(WRITER, [OTHER_FAMILY, OTHER_FAMILY]);
      expect(info.grants).toEqual([OTHER_FAMILY]);
      // The lock's own check holds from the next write on; what is wrong with a batch is told to nobody else.
      expect(await ends(first)).toEqual(["not_granted", "written", ...cookie]);
      expect(await ends(second)).toEqual(["not_granted", "written", ...cookie]);
      expect(await tryWrite(first, SECRET, parseFamilyName("unknown"))).toBe("not_granted");
      await first.writers.grant(WRITER, []);
      expect(await ends(first)).toEqual(["not_granted", "not_granted", ...cookie]);
      expect(await ends(second)).toEqual(["not_granted", "not_granted", ...cookie]);
      expect((await first.writers.grant(WRITER, null)).grants).toBeNull();
      expect(await ends(first)).toEqual(["written", "written", ...cookie]);
      await expectConsistent(url);
    });

    test("D22 is needed where grants are required, and one that is broken opens nothing", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url, { requireGrants: true });
      expect(await tryWrite(ctldb, SECRET)).toBe("not_granted");
      expect(await tryCookie(ctldb, SECRET)).toEqual(["done", "done"]);
      await ctldb.writers.grant(WRITER, [FAMILY]);
      expect(await tryWrite(ctldb, SECRET)).toBe("written");
      await target.sql(url, `UPDATE mutators SET grants = '["fam"' WHERE writer = '${WRITER}'`);
      await using lenient = await open(url);
      for (const each of [ctldb, lenient]) expect(await tryWrite(each, SECRET)).toBe("not_granted");
      expect((await ctldb.writers.find(WRITER)).grants).toEqual([]);
    });
  });
}
