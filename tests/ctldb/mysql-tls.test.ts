/** TLS to MySQL (R44): who is let in, who is not and why, and certificates that change under way. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { CTLDB_TIMEOUTS } from "../../core/limits.ts";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import { MysqlSession } from "../../ctldb/mysql/session.ts";
import { openLedgerSource, openRowSource } from "../../ctldb/open.ts";
import { makeCa } from "../support/certificates.ts";
import { startMariadb } from "../support/mariadb.ts";
import { hasMysql9, startMysql9 } from "../support/mysql9.ts";
import { MYSQL_PASSWORD } from "../support/secrets.ts";
import { isDeep } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { count, DEPS, failureOf, open, openFilled, request } from "./fixture.ts";
import { asUser, SERVER_NAME, startTlsServer, type TlsServer, withParameters } from "./mysql-tls.ts";

setDefaultTimeout(60_000);

/** What the server says of the TLS of a connection by this URL: "version", or "server_not_after" of its certificate. */
async function sslStatus(url: string, what: string): Promise<string> {
  await using session = await connect(url);
  const rows = await session.select(`SHOW SESSION STATUS LIKE 'Ssl_${what}'`, "look at the session");
  return String(rows[0]?.[1]);
}

const protocolOf = (url: string) => sslStatus(url, "version");

function connect(url: string): Promise<MysqlSession> {
  return MysqlSession.connect({ url: new URL(url), timeouts: CTLDB_TIMEOUTS });
}

async function refusalOf(url: string): Promise<string> {
  const { code, message, details } = await failureOf(connect(url));
  expect(code).toBe("ctldb_unavailable");
  return `${message}; ${details.hint}`;
}

const PRODUCTS = [
  { name: "MariaDB", start: startMariadb, reload: "FLUSH SSL", runs: true },
  { name: "MySQL 9.7", start: startMysql9, reload: "ALTER INSTANCE RELOAD TLS", runs: isDeep && hasMysql9 },
];

for (const { name, start, reload, runs } of PRODUCTS) {
  describe.if(runs)(`TLS to ${name}`, () => {
    test("R44 protects every user of a ctldb's URL, and is refused by what is wrong when anything is", async () => {
      await using tls = await startTlsServer(start);
      await takesTheRightAuthority(tls);
      await refusesStrangers(tls);
      await knowsHosts(tls);
      await bringsCertificates(tls);
    });

    test("R44 fails no write, and is renewed, when the server's certificate is replaced under load", async () => {
      await using tls = await startTlsServer(start);
      const caFile = tls.folder.file("trusted.pem");
      copyFileSync(tls.ca.caFile, caFile);
      const url = await tls.database({ "tls-ca": caFile });
      await using ctldb = await openFilled(url);
      const failures: unknown[] = [];
      let written = 0;
      let goesOn = true;
      const writing = (async () => {
        for (; goesOn; written += 1) {
          await ctldb.write(request([count(`row-${written}`)])).catch((error) => failures.push(error));
        }
      })();
      const ends = [await sslStatus(url, "server_not_after")];
      for (const days of [40, 50, 60]) {
        tls.renew(days);
        await tls.server.admin(reload);
        ends.push(await sslStatus(url, "server_not_after"));
        const before = written;
        await until(() => written > before + 5, { what: "writes after the rotation" });
      }
      expect(new Set(ends).size).toBe(4);
      // A file that somebody takes away hurts the next connection, not those that are open.
      rmSync(caFile);
      expect(await refusalOf(url)).toMatch(/tls-ca cannot be read/);
      const before = written;
      await until(() => written > before + 5, { what: "writes without the file" });
      goesOn = false;
      await writing;
      expect(failures).toEqual([]);
      expect((await ctldb.status()).headSequence).toBeGreaterThan(BigInt(written));
    });

    test("R44 says that the server's certificate has expired when it has", async () => {
      await using tls = await startTlsServer(start, { notAfter: new Date(Date.now() - 60_000) });
      const url = await tls.database({ "tls-ca": tls.ca.caFile });
      expect(await refusalOf(url)).toMatch(/certificate has expired.*renew it there/);
      expect((await failureOf(open(url))).code).toBe("ctldb_unavailable");
    });
  });
}

async function takesTheRightAuthority(tls: TlsServer): Promise<void> {
  const url = await tls.database({ "tls-ca": tls.ca.caFile });
  expect(await protocolOf(url)).toBe("TLSv1.3");
  await (await openFilled(url))[Symbol.asyncDispose]();
  await using source = openLedgerSource(url, DEPS);
  expect((await source.poll(SEQUENCE_ZERO, 1)).entries).toHaveLength(1);
  await using rows = openRowSource(url);
  await using view = await rows.openView();
  expect(view.tables).toHaveLength(2);
}

async function refusesStrangers(tls: TlsServer): Promise<void> {
  const other = makeCa(tls.folder, "Other CA");
  for (const parameters of [{ tls: "verify" }, { "tls-ca": other.caFile }, { tls: "verify-ca" }])
    expect(await refusalOf(await tls.database(parameters))).toMatch(/authority that is trusted.*tls-ca=/);
}

async function knowsHosts(tls: TlsServer): Promise<void> {
  const trusted = { "tls-ca": tls.ca.caFile };
  const named = await tls.database({ ...trusted, "tls-server-name": SERVER_NAME });
  expect(await protocolOf(named)).toBe("TLSv1.3");
  const stranger = await tls.database({ ...trusted, "tls-server-name": "else.example" });
  // Its name is looked at before it gets to see a password.
  expect(await refusalOf(asUser(stranger, "app", "wrong"))).toMatch(/does not match.*tls-server-name=/);
  // The certificate has the address, not this name of it.
  const local = new URL(await tls.database(trusted));
  local.hostname = "localhost";
  expect(await refusalOf(local.href)).toMatch(/does not match/);
  local.searchParams.set("tls", "verify-ca");
  expect(await protocolOf(local.href)).toBe("TLSv1.3");
}

async function bringsCertificates(tls: TlsServer): Promise<void> {
  await tls.server.admin("CREATE USER 'x509'@'127.0.0.1' IDENTIFIED BY 'x509' REQUIRE X509");
  await tls.server.admin("GRANT ALL ON *.* TO 'x509'@'127.0.0.1'");
  const certificate = { commonName: "app", client: true, as: "client" };
  const strange = makeCa(tls.folder, "Other CA").issue(certificate);
  const own = { certFile: tls.folder.file("own.pem"), keyFile: tls.folder.file("own.key") };
  copyFileSync(strange.certFile, own.certFile);
  copyFileSync(strange.keyFile, own.keyFile);
  const without = asUser(await tls.database({ "tls-ca": tls.ca.caFile }), "x509", "x509");
  expect(await refusalOf(without)).toMatch(/Access denied.*tls-cert=/);
  const url = withParameters(without, { "tls-cert": own.certFile, "tls-key": own.keyFile });
  expect(await refusalOf(url)).toMatch(/server refuses our certificate/);
  const good = tls.ca.issue(certificate);
  copyFileSync(good.certFile, own.certFile);
  // Between two files that belong together there is a moment when they do not.
  expect(await refusalOf(url)).toMatch(/fit each other/);
  copyFileSync(good.keyFile, own.keyFile);
  expect(await protocolOf(url)).toBe("TLSv1.3");
}

test("R44 refuses a server that offers no TLS when the URL wants it, whatever it wants of it", async () => {
  await using server = await startMariadb(["--skip-ssl"]);
  const url = await server.createDatabase();
  for (const tls of ["", "verify", "verify-ca"])
    expect(await refusalOf(withParameters(url, { tls }))).toMatch(/server offers no TLS/);
  expect(await protocolOf(withParameters(url, { tls: "off" }))).toBe("");
});

describe("a ctldb's URL", () => {
  const refused: ReadonlyArray<readonly [parameters: string, message: RegExp]> = [
    ["tls=always", /tls must be one of/],
    ["tsl=verify", /"tsl" is not a parameter/],
    ["timezone=UTC", /"timezone" is not a parameter/],
    ["tls=off&tls=verify", /tls is given twice/],
    ["tls=off&tls-ca=ca.pem", /contradicts/],
    ["tls-ca=", /tls-ca is empty/],
    ["tls-cert=a.pem", /go together/],
    ["tls-key=a.pem", /go together/],
    ["tls=verify-ca&tls-server-name=db", /checks no name/],
    ["tls-ca=/nowhere/ca.pem", /tls-ca cannot be read/],
    ["tls#hunter2", /%23/],
    ["hunt(er)2=", /something after its question mark/],
  ];

  test.each(refused)(
    "is refused as configuration when its parameters are %s",
    async (parameters, message) => {
      const url = `mysql://app:hunter2@127.0.0.1/ctldb?${parameters}`;
      const error = await failureOf(open(url));
      expect(error.code).toBe("config_invalid");
      expect(error.message).toMatch(message);
      expect(`${error.message} ${error.details.hint}`).not.toContain("hunt");
      expect(() => openRowSource(url)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    },
  );

  test("is refused as configuration when its files are no certificates", async () => {
    using folder = tempFolder("tls");
    writeFileSync(folder.file("ca.pem"), "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n");
    const url = `mysql://app:${MYSQL_PASSWORD}@127.0.0.1/ctldb?tls-ca=${folder.file("ca.pem")}`;
    const error = await failureOf(open(url));
    expect(error.code).toBe("config_invalid");
    expect(error.message).toContain(folder.file("ca.pem"));
  });
});
