/** Opening: URLs, files that are no ctldb, ctldbs of a newer ctlstore. */
import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { DEPS, failureOf, open, openFilled } from "./fixture.ts";
import { mysqlQuery, mysqlScript } from "./mysql-target.ts";

setDefaultTimeout(30_000);

describe("opening a ctldb", () => {
  test.each([
    "",
    "sqlite:",
    "sqlite",
    "/tmp/ctl.db",
    "mysql:",
    "mysql://",
    "mysql://host",
    "mysql://host/",
    "mysql://host:notaport/db",
    "mysql://user:100%@host/db",
    "mysql://us%er:secret@host/db",
    "mysql://host/d%b",
    "postgres://host/db",
    "file:///ctl.db",
  ])("is refused as configuration when the URL is %j, and never shows it", async (url) => {
    const error = await failureOf(open(url));
    expect(error.code).toBe("config_invalid");
    expect(error.details.hint).toContain("sqlite:PATH");
    expect(() => openLedgerSource(url, DEPS)).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  test("keeps a password out of the error when the URL is wrong", async () => {
    const error = await failureOf(open("mysql://user:topsecret@host"));
    expect(`${error.message} ${error.details.hint}`).not.toContain("topsecret");
  });

  test("takes sqlite:PATH and sqlite:///PATH for the same file", async () => {
    using folder = tempFolder("ctldb");
    const path = folder.file("ctl.db");
    await using first = await openFilled(`sqlite:${path}`);
    await using second = await open(`sqlite://${path}`);
    expect((await second.status()).epoch).toBe((await first.status()).epoch);
  });

  test("says that the ctldb is away when its folder is missing", async () => {
    using folder = tempFolder("ctldb");
    expect((await failureOf(open(`sqlite:${folder.file("missing", "ctl.db")}`))).code).toBe(
      "ctldb_unavailable",
    );
  });

  test("says that the file is no ctldb when it is none", async () => {
    using folder = tempFolder("ctldb");
    writeFileSync(
      folder.file("ctl.db"),
      "this is not a database, but it is long enough to look at".repeat(100),
    );
    expect((await failureOf(open(`sqlite:${folder.file("ctl.db")}`))).code).toBe("ctldb_incompatible");
  });

  test("refuses a ctldb of a newer ctlstore, and leaves it as it is", async () => {
    using folder = tempFolder("ctldb");
    const path = folder.file("ctl.db");
    const mysqlUrl = await (await sharedMariadb()).createDatabase();
    for (const url of [`sqlite:${path}`, mysqlUrl]) {
      await (await openFilled(url))[Symbol.asyncDispose]();
    }
    // A table of ours that the newer one has no more shows whether anything was made before the refusal.
    const newer = [
      "UPDATE ctlstore_meta SET value = '2' WHERE name = 'format_version'",
      "DROP TABLE ctlstore_readers",
    ];
    using db = new Database(path);
    for (const statement of newer) db.run(statement);
    await mysqlScript(mysqlUrl, newer);
    for (const url of [`sqlite:${path}`, mysqlUrl]) {
      const error = await failureOf(open(url));
      expect(error.code).toBe("ctldb_incompatible");
      expect(error.message).toContain("format is 2");
    }
    expect(db.query("SELECT 1 FROM sqlite_schema WHERE name = 'ctlstore_readers'").all()).toEqual([]);
    expect(await mysqlQuery(mysqlUrl, "SHOW TABLES LIKE 'ctlstore_readers'")).toEqual([]);
  });

  test("never fails when only the ledger is wanted and the ctldb is away", async () => {
    await using source = openLedgerSource("mysql://user:password@127.0.0.1:1/db", DEPS);
    expect((await failureOf(source.describe())).code).toBe("ctldb_unavailable");
    expect((await failureOf(source.poll(SEQUENCE_ZERO, 1))).code).toBe("ctldb_unavailable");
  });
});
