/** Executive and Reflector as binaries, each on a bare machine: a ledger written, applied, compared, and both stopped. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Writer } from "../../client/index.ts";
import { openReader } from "../../reader/index.ts";
import { makeStoryTable, STORY_WRITER } from "../pipeline/story.ts";
import { type BareRoot, bareRoot, hasBareRoot } from "../support/bare-root.ts";
import { binaryOf } from "../support/binaries.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { runProcess, startProcess, type TestProcess } from "../support/process.ts";
import { SERVICE_ADMIN_TOKEN } from "../support/services.ts";

const CTLDBS = [
  ["embedded SQLite", async () => "sqlite:/ctldb.db"],
  ["MariaDB", async () => (await sharedMariadb()).createDatabase()],
] as const;

const ROWS = 100;
const LISTENING = /http:\/\/127\.0\.0\.1:\d+/;
const BIND = ["--bind", "127.0.0.1:0"];

async function rootWithBinaries() {
  const [full, reflector] = await Promise.all([binaryOf("ctlstore"), binaryOf("ctlstore-reflector")]);
  const root = await bareRoot([full.path, reflector.path]);
  const nameOf = ({ path }: { path: string }) => `/${path.split("/").at(-1)}`;
  return { root, full: nameOf(full), reflector: nameOf(reflector) };
}

async function start(root: BareRoot, ...args: string[]): Promise<{ process: TestProcess; url: string }> {
  const process = startProcess(root.command(...args, ...BIND));
  const [url] = await process.waitForOutput(LISTENING);
  return { process, url };
}

async function endedBySigterm(process: TestProcess): Promise<unknown> {
  process.signal("SIGTERM");
  return process.exited;
}

describe.skipIf(!hasBareRoot).each(CTLDBS)("on %s", (_, ctldbUrl) => {
  test("I8 the compiled Reflector applies what the compiled Executive wrote, and both end well on SIGTERM", async () => {
    const { root, full, reflector: reflectorName } = await rootWithBinaries();
    using _root = root;
    const ctldb = await ctldbUrl();
    const executive = await start(
      root,
      full,
      "executive",
      "--ctldb",
      ctldb,
      "--admin-token",
      SERVICE_ADMIN_TOKEN,
    );
    await using _executive = executive.process;
    await makeStoryTable(executive.url);
    const reflector = await start(root, reflectorName, "--ctldb", ctldb, "--ldb", "/ldb");
    await using _reflector = reflector.process;
    const writer = new Writer({ url: executive.url, ...STORY_WRITER });
    const ids = Array.from({ length: ROWS }, (_, id) => id);
    const { sequence } = await writer.write(
      ids.map((id) => ({ table: "rows", values: { id, text: `é'\\ ${id}` } })),
    );
    using reader = openReader({ path: join(root.path, "ldb") });
    await reader.waitFor(sequence, { timeoutMs: 20_000 });
    expect(reader.getRowByKey("story", "rows", 7)).toEqual({ id: 7, text: "é'\\ 7" });

    const metrics = await (await fetch(`${reflector.url}/metrics`)).text();
    expect(metrics).toContain("ctlstore_reflector_");
    const verified = await runProcess(root.command(full, "ldb", "verify", "--ldb", "/ldb", "--ctldb", ctldb));
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("equal") });
    expect(await endedBySigterm(reflector.process)).toEqual({ code: 0, signal: null });
    expect(await endedBySigterm(executive.process)).toEqual({ code: 0, signal: null });
  });
});
