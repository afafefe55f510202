/** Who an Executive listens for when it starts, in real processes: beyond its host never by accident. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseOperatorName } from "../../core/names.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { testSecret } from "../support/secrets.ts";
import { startCtlstore } from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const DEADLINE_MS = 30_000;
const LISTENS = /"url":"([^"]+)"/;

let folder: TempFolder;
beforeAll(() => {
  folder = tempFolder("exposure");
});
afterAll(() => folder[Symbol.dispose]());

interface Started extends AsyncDisposable {
  readonly port: string;
  /** Its log so far. */
  readonly log: () => string;
}

const environment = (ctldb: string, adminToken?: string) => ({
  CTLSTORE_CTLDB: `sqlite:${folder.file(ctldb)}`,
  CTLSTORE_ADMIN_TOKEN: adminToken,
  CTLSTORE_LOG_LEVEL: "info",
});

async function started(flags: readonly string[], env: Record<string, string | undefined>): Promise<Started> {
  const child = startCtlstore(["executive", ...flags], { env });
  const [, url = ""] = await child.waitForOutput(LISTENS, DEADLINE_MS);
  return {
    port: new URL(url).port,
    log: () => child.stderr,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

async function refused(flags: readonly string[], env: Record<string, string | undefined>): Promise<string> {
  await using child = startCtlstore(["executive", ...flags], { env });
  const { code } = await child.exited;
  expect(code).not.toBe(0);
  expect(child.stderr).not.toMatch(LISTENS);
  return child.stderr;
}

async function statusOf(port: string, headers: Record<string, string> = {}): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/families`, { headers })).status;
}

describe("an Executive without an admin token", () => {
  for (const bind of ["0.0.0.0:0", "[::]:0"]) {
    test(`D22 does not listen on ${bind} when there is no operator, and says what to do`, async () => {
      const said = await refused(["--bind", bind], environment("empty.db"));
      expect(said).toContain("neither an admin token nor an operator");
      for (const flag of ["--admin-token", "CTLSTORE_ADMIN_TOKEN", "127.0.0.1", "--insecure"])
        expect(said).toContain(flag);
    });
  }

  test("listens on loopback, open, and warns once", async () => {
    await using executive = await started(["--bind", "127.0.0.1:0"], environment("loopback.db"));
    expect(await statusOf(executive.port)).toBe(200);
    expect(await statusOf(executive.port, { origin: "https://example.com" })).toBe(403);
    expect(executive.log().match(/"level":"warn"/g)).toEqual(['"level":"warn"']);
    expect(executive.log()).toContain("everybody who can connect may do everything");
  });

  test("listens everywhere when it is told --insecure", async () => {
    await using executive = await started(["--bind", "0.0.0.0:0", "--insecure"], environment("insecure.db"));
    expect(await statusOf(executive.port)).toBe(200);
  });

  test("listens everywhere when there is an operator, and asks for its token, also when told --insecure", async () => {
    const deps = { logger: silentLogger, clock: systemClock };
    const ctldb = await openCtlDb(environment("operators.db").CTLSTORE_CTLDB, deps);
    const { token } = await ctldb.operators.create(parseOperatorName("alice"), "read");
    await ctldb[Symbol.asyncDispose]();
    for (const flags of [[], ["--insecure"]]) {
      await using executive = await started(["--bind", "0.0.0.0:0", ...flags], environment("operators.db"));
      expect(await statusOf(executive.port)).toBe(401);
      expect(await statusOf(executive.port, { authorization: `Bearer ${token}` })).toBe(200);
      expect(executive.log()).not.toContain(token);
      expect(executive.log()).not.toContain("everybody");
    }
  });
});

test("an Executive with an admin token listens everywhere, and asks for it from its own host too", async () => {
  const adminToken = testSecret("exposure");
  await using executive = await started(["--bind", "0.0.0.0:0"], environment("token.db", adminToken));
  expect(await statusOf(executive.port)).toBe(401);
  expect(await statusOf(executive.port, { authorization: `Bearer ${adminToken}` })).toBe(200);
});

test("an Executive refuses an admin token that no header can carry, without repeating it", async () => {
  const said = await refused(["--bind", "127.0.0.1:0"], environment("bad.db", `${testSecret("two")} words`));
  expect(said).toContain("printable ASCII");
});
