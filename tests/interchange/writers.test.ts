/** Writers that the original, or an older ctlstore, has registered: they go on writing, and may be managed (R40, R45). */
import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseFamilyName, parseWriterName } from "../../core/names.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { bytes, failureOf, open, request, upsert } from "../ctldb/fixture.ts";
import { mysqlQuery, mysqlScript } from "../ctldb/mysql-target.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { loadOriginal } from "./load-original.ts";

setDefaultTimeout(30_000);

const FAM1 = parseFamilyName("fam1");
/** Registered by the original's Executive when the fixture was made. */
const KNOWN = [
  ["secret3", "abc"],
  ["secret100", "x".repeat(100)],
  ["we ird:é", "secret"],
] as const;
const MUTATORS = "SELECT writer, secret, HEX(cookie), clock FROM mutators ORDER BY writer";

function writeAs(ctldb: CtlDb, name: string, secret: string): Promise<unknown> {
  const mutations = [upsert("grow", { id: name })];
  return ctldb.write(request(mutations, { writer: parseWriterName(name), secret, family: FAM1 }));
}

async function formsOf(ctldb: CtlDb): Promise<Record<string, string | null>> {
  const infos = await ctldb.writers.list();
  return Object.fromEntries(infos.map(({ writer, secretForm }) => [writer, secretForm]));
}

describe("writers of the original", () => {
  test("R40 R45 write with their old secrets, which are stored salted by that, and keep their cookies", async () => {
    const url = await loadOriginal(["fam1___grow"]);
    const before = await mysqlQuery(url, MUTATORS);
    await using ctldb = await open(url);
    for (const [name, secret] of KNOWN) {
      expect((await failureOf(writeAs(ctldb, name, `${secret}!`))).code).toBe("bad_credentials");
      await writeAs(ctldb, name, secret);
    }
    const salted = async () => {
      const forms = await formsOf(ctldb);
      return KNOWN.every(([name]) => forms[name] === "salted");
    };
    await until(salted, { what: "the salted forms" });
    expect((await formsOf(ctldb))["writer1"]).toBe("sha256");
    for (const [name, secret] of KNOWN) await writeAs(ctldb, name, secret);
    const withoutSecrets = (rows: unknown[][]) => rows.map(([writer, , ...rest]) => [writer, ...rest]);
    expect(withoutSecrets(await mysqlQuery(url, MUTATORS))).toEqual(withoutSecrets(before));
  });

  test("R40 are as they were for the original's Executive when original secrets are kept", async () => {
    const url = await loadOriginal(["fam1___grow"]);
    const before = await mysqlQuery(url, MUTATORS);
    {
      await using ctldb = await open(url, { originalSecrets: true });
      for (const [name, secret] of KNOWN) await writeAs(ctldb, name, secret);
    }
    expect(await mysqlQuery(url, MUTATORS)).toEqual(before);
  });

  test("R40 R45 are rotated, granted and revoked as ours are", async () => {
    const url = await loadOriginal(["fam1___grow"]);
    await using ctldb = await open(url);
    const [name, secret] = KNOWN[0];
    const writer = parseWriterName(name);
    await ctldb.writers.rotate(writer, "s3cr3t-2", 3_600);
    await writeAs(ctldb, name, secret);
    await writeAs(ctldb, name, "s3cr3t-2");
    await ctldb.writers.grant(writer, [parseFamilyName("fam2")]);
    expect((await failureOf(writeAs(ctldb, name, secret))).code).toBe("not_granted");
    await ctldb.writers.revoke(writer);
    expect((await failureOf(writeAs(ctldb, name, secret))).code).toBe("bad_credentials");
    const { entries } = await ctldb.audit.read({ limit: 10 });
    expect(entries.map(({ action }) => action)).toEqual(["writer.revoke", "writer.grant", "writer.rotate"]);
  });

  test("R40 may write at once when the original's Executive registers them beside us", async () => {
    const url = await loadOriginal(["fam1___grow"]);
    await using ctldb = await open(url, { originalSecrets: true });
    const digest = createHash("sha256").update("s3cr3t-new").digest("hex");
    await mysqlScript(url, [
      `INSERT INTO mutators (writer, secret, cookie) VALUES ('beside', '${digest}', 'theirs')`,
    ]);
    await writeAs(ctldb, "beside", "s3cr3t-new");
    expect(await ctldb.readCookie(parseWriterName("beside"), "s3cr3t-new")).toEqual(bytes("theirs"));
  });
});

describe("a ctldb of an older ctlstore", () => {
  test("R40 gets what access needs when it is opened, and has its writers", async () => {
    using folder = tempFolder("versions");
    const path = folder.file("ctldb.db");
    const older = join(import.meta.dir, "fixtures", "before-snapshots-ctldb.db.gz");
    writeFileSync(path, gunzipSync(readFileSync(older)));
    const names = () => {
      using db = new Database(path);
      return db.query<{ writer: string }, []>("SELECT writer FROM mutators ORDER BY writer").all();
    };
    const before = names();
    expect(before.length).toBeGreaterThan(0);
    await using ctldb = await open(`sqlite:${path}`);
    const infos = await ctldb.writers.list();
    expect(infos.map(({ writer }) => ({ writer: String(writer) }))).toEqual(before);
    for (const { writer, ...info } of infos) {
      expect(info).toEqual({ grants: null, revoked: false, secretForm: "sha256", previousSecretUntil: null });
      await ctldb.writers.rotate(writer, "s3cr3t-2", 0);
      expect(await ctldb.readCookie(writer, "s3cr3t-2")).toBeInstanceOf(Uint8Array);
    }
    expect(await ctldb.operators.everAny()).toBe(false);
    expect((await ctldb.audit.read({ limit: 10 })).entries).toHaveLength(before.length);
  });
});
