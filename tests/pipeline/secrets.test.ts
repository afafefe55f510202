/**
 * R45: secrets that are given wrongly, or to what is away, are in no line, answer or metric of any service. The tests'
 * own search looks at all that processes write (tests/support/leaks.ts); here are the ways to make them write.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { fillLdb } from "../support/filled-ldb.ts";
import { findingsIn } from "../support/leaks.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { runProcess } from "../support/process.ts";
import { testSecret } from "../support/secrets.ts";
import {
  ctlstore,
  SERVICE_ADMIN_TOKEN,
  startCtlstore,
  startExecutiveService,
  startReflectorService,
} from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const PASSWORD = testSecret("of+the%40url"); // with letters that have other forms in a URL

/** URLs of a ctldb that do not work, each with a password in it. */
async function badUrls(): Promise<Record<string, string>> {
  const { port } = await sharedMariadb();
  return {
    "a wrong password": `mysql://app:${PASSWORD}@127.0.0.1:${port}/nowhere`,
    "an unknown user": `mysql://nobody:${PASSWORD}@127.0.0.1:${port}/nowhere`,
    "nobody there": `mysql://app:${PASSWORD}@127.0.0.1:1/nowhere`,
    "an unknown host": `mysql://app:${PASSWORD}@db.invalid/nowhere`,
    "no TLS there": `mysql://app:${PASSWORD}@127.0.0.1:${port}/nowhere?tls=verify`,
    "an unknown parameter": `mysql://app:${PASSWORD}@127.0.0.1:${port}/nowhere?ssl=${PASSWORD}`,
    "no database": `mysql://app:${PASSWORD}@127.0.0.1:${port}`,
    "no port": `mysql://app:${PASSWORD}@127.0.0.1:here/nowhere`,
    "a number sign": `mysql://app:${PASSWORD}@127.0.0.1/nowhere#${PASSWORD}`,
    "no such kind": `postgres://app:${PASSWORD}@127.0.0.1/nowhere`,
    "no kind": `app:${PASSWORD}@tcp(127.0.0.1:${port})/nowhere`,
  };
}

/** Everything that a command wrote; it must have failed, and told no secret. */
async function failure(args: readonly string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await runProcess(ctlstore(...args), { env });
  expect({ args, code }).not.toEqual({ args, code: 0 });
  expect(findingsIn(`${stdout}\n${stderr}\n`)).toEqual([]);
  return stderr;
}

describe("R45 a ctldb's URL that does not work tells nobody its password", () => {
  test("when an Executive is started with it, at any level of the log", async () => {
    const env = { CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN, CTLSTORE_LOG_LEVEL: "debug" };
    const args = ["executive", "--bind", "127.0.0.1:0"];
    const start = async ([what, url]: [string, string]) => {
      const told = await failure(args, { ...env, CTLSTORE_CTLDB: url });
      expect({ what, told }).toEqual({ what, told: expect.stringMatching(/ctldb/i) });
    };
    await Promise.all(Object.entries(await badUrls()).map(start));
  });

  test("when a Reflector follows it: in its log, its status and its metrics", async () => {
    using folder = tempFolder("secrets");
    const { port } = await sharedMariadb();
    const url = `mysql://app:${PASSWORD}@127.0.0.1:${port}/nowhere`;
    const flags = ["--poll-interval-ms", "20", "--log-level", "debug"];
    await using reflector = await startReflectorService(url, folder.path, flags);
    const status = await until(
      async () => {
        const text = await (await fetch(`${reflector.url}/status`)).text();
        return text.includes("Access denied") ? text : null;
      },
      { what: "the Reflector to be refused" },
    );
    const metrics = await (await fetch(`${reflector.url}/metrics`)).text();
    expect(findingsIn(`${status}\n${metrics}\n`)).toEqual([]);
    reflector.process.signal("SIGTERM");
    await reflector.process.exited;
    expect(findingsIn(`${reflector.process.stdout}\n${reflector.process.stderr}\n`)).toEqual([]);
  });

  test("when rows are compared with it", async () => {
    using folder = tempFolder("secrets");
    fillLdb(folder.path, { sequence: 2, bytes: 1_000 });
    const { port } = await sharedMariadb();
    const url = `mysql://app:${PASSWORD}@127.0.0.1:${port}/nowhere`;
    expect(await failure(["ldb", "verify", "--ldb", folder.path], { CTLSTORE_CTLDB: url })).toContain(
      "Access denied",
    );
  });
});

describe("R45 a token or secret that is wrong is repeated by nobody", () => {
  test("when commands and services bring it to an Executive", async () => {
    using folder = tempFolder("secrets");
    await using executive = await startExecutiveService(`sqlite:${folder.file("ctldb.db")}`, [
      "--log-level",
      "debug",
    ]);
    const wrong = testSecret("wrong");
    const env = {
      CTLSTORE_EXECUTIVE: executive.url,
      CTLSTORE_ADMIN_TOKEN: wrong,
      CTLSTORE_WRITER: "clerk",
      CTLSTORE_SECRET: testSecret("of-clerk"),
    };
    expect(await failure(["create-family", "shop"], env)).toContain("[bad_credentials]");
    expect(await failure(["register-writer", "clerk"], env)).toContain("[bad_credentials]");
    expect(await failure(["mutate", "shop/prices", '{"id":1}'], env)).toContain("ctlstore: ");
    const right = { ...env, CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN };
    await runProcess(ctlstore("create-family", "shop"), { env: right });
    await runProcess(ctlstore("register-writer", "clerk"), { env: right });
    const other = { ...right, CTLSTORE_SECRET: testSecret("another") };
    expect(await failure(["mutate", "shop/prices", '{"id":1}'], other)).toContain("[bad_credentials]");
    await using heartbeat = startCtlstore(["heartbeat", "--log-level", "debug"], { env });
    await heartbeat.waitForOutput(/heartbeat failed/);
    const metrics = await (await fetch(`${executive.url}/metrics`)).text();
    const { stdout, stderr } = executive.process;
    expect(findingsIn(`${metrics}\n${stdout}\n${stderr}\n${heartbeat.stderr}\n`)).toEqual([]);
  });

  test("when a URL of snapshots or of an Executive has one in it", async () => {
    using folder = tempFolder("secrets");
    const secret = testSecret("in-url");
    const list = (url: string) => failure(["snapshot", "list"], { CTLSTORE_SNAPSHOTS: url });
    for (const url of [`s3://key:${secret}@bucket/x`, `s3://bucket/x?secret=${secret}`])
      expect(await list(url)).toContain("CTLSTORE_SNAPSHOTS");
    expect(
      await failure(["status"], {
        CTLSTORE_EXECUTIVE: `http://admin:${secret}@127.0.0.1:1`,
        CTLSTORE_ADMIN_TOKEN: secret,
      }),
    ).toContain("CTLSTORE_EXECUTIVE");
    writeFileSync(folder.file("token"), `${secret}\nand a second line\n`);
    await failure(["status", "--admin-token", `@${folder.file("token")}`], {
      CTLSTORE_EXECUTIVE: "http://127.0.0.1:1",
    });
  });
});
