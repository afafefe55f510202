/** How the real services end (D20): quickly and with 0 when asked to, with another code when they cannot start. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { takenPort } from "../support/free-port.ts";
import { runProcess, startProcess } from "../support/process.ts";
import {
  ctlstore,
  ROOT,
  SERVICE_ADMIN_TOKEN,
  startCtlstore,
  startExecutiveService,
  startReflectorService,
} from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** Nothing is under way in these services, so nothing has to be waited for. */
const QUICK_MS = 3_000;

async function endsQuickly(service: ReturnType<typeof startProcess>, signal: NodeJS.Signals): Promise<void> {
  const startMs = performance.now();
  service.signal(signal);
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(performance.now() - startMs).toBeLessThan(QUICK_MS);
}

describe("D20 SIGTERM ends with 0, quickly,", () => {
  test("an Executive", async () => {
    using folder = tempFolder();
    const { process, url } = await startExecutiveService(`sqlite:${folder.file("ctldb.db")}`);
    await using _process = process;
    expect((await fetch(`${url}/healthz`)).status).toBe(200); // leaves a connection open
    await endsQuickly(process, "SIGTERM");
  });

  test("a Reflector, also while it waits to try an absent ctldb again", async () => {
    using folder = tempFolder();
    const { process } = await startReflectorService(`sqlite:${folder.file("none.db")}`, folder.file("ldb"));
    await using _process = process;
    await process.waitForOutput(/ctldb_unavailable/);
    await endsQuickly(process, "SIGTERM");
  });

  test("a heartbeat, also while nobody listens where it writes", async () => {
    await using process = startCtlstore([
      "heartbeat",
      "--executive",
      "http://127.0.0.1:1",
      "--secret",
      "sss",
    ]);
    await process.waitForOutput(/heartbeat failed/);
    await endsQuickly(process, "SIGTERM");
  });

  test("ctlstore dev behind the launcher, as npm start and npx run it", async () => {
    using folder = tempFolder();
    const ports = ["--executive-port", "0", "--reflector-port", "0", "--sidecar-port", "0"];
    await using process = startProcess([
      "node",
      join(ROOT, "scripts", "ctlstore.mjs"),
      "dev",
      "--data",
      folder.path,
      ...ports,
    ]);
    await process.waitForOutput(/Ctrl-C stops/);
    await endsQuickly(process, "SIGTERM");
  });
});

describe("a start that cannot succeed", () => {
  test("D20 exits 1 and names the holder when another Reflector has the LDB", async () => {
    using folder = tempFolder();
    const ctldb = `sqlite:${folder.file("ctldb.db")}`;
    const first = await startReflectorService(ctldb, folder.file("ldb"));
    await using _first = first.process;
    const second = await runProcess(ctlstore("reflector", "--ctldb", ctldb, "--ldb", folder.file("ldb")));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`process ${first.process.pid}`);
  });

  test("D20 exits 2 and names the flag when the port of an Executive is taken", async () => {
    using folder = tempFolder();
    using taken = await takenPort();
    const args = [
      "executive",
      "--ctldb",
      `sqlite:${folder.file("c.db")}`,
      "--bind",
      `127.0.0.1:${taken.port}`,
    ];
    const { code, stderr } = await runProcess(ctlstore(...args, "--admin-token", SERVICE_ADMIN_TOKEN));
    expect(code).toBe(2);
    expect(stderr).toContain("--bind");
  });

  test("D20 exits 1 when the ctldb of an Executive cannot be opened", async () => {
    const args = ["executive", "--ctldb", "sqlite:/no/such/folder/ctldb.db", "--bind", "127.0.0.1:0"];
    const { code, stderr } = await runProcess(ctlstore(...args, "--admin-token", SERVICE_ADMIN_TOKEN));
    expect(code).toBe(1);
    expect(stderr).toContain("/no/such/folder");
  });

  test("passes its exit code through the launcher", async () => {
    const { code, stderr } = await runProcess(["node", join(ROOT, "scripts", "ctlstore.mjs"), "executive"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--ctldb");
  });
});
