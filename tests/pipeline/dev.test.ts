/** `ctlstore dev` and its demonstration, as `npm start` runs them. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mimeRows } from "../../cli/demo/mime-rows.ts";
import { openReader } from "../../reader/index.ts";
import { takenPort } from "../support/free-port.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { ctlstore, ROOT } from "../support/services.ts";
import { seededRandom, suiteSeed } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";

const FREE_PORTS = ["--executive-port", "0", "--reflector-port", "0", "--sidecar-port", "0"];
const ROWS = mimeRows().length;

/** How often each of the demonstration's rows was written, by the ledger: once is what it should be. */
function writesOfRows(dataFolder: string): { writes: number; rows: number } {
  using database = new Database(`${dataFolder}/ctldb.db`, { readonly: true });
  const counted = database
    .query<{ writes: number; rows: number }, []>(
      "SELECT COUNT(*) AS writes, COUNT(DISTINCT statement) AS rows FROM ctlstore_dml_ledger WHERE statement LIKE 'REPLACE INTO mime\\_\\_\\_%' ESCAPE '\\'",
    )
    .get();
  return counted ?? { writes: 0, rows: 0 };
}

function rowsInLdb(dataFolder: string): number {
  using reader = openReader({ path: `${dataFolder}/ldb` });
  const [types, extensions] = ["types", "extensions"].map(
    (table) => [...reader.getRowsByKeyPrefix("mime", table)].length,
  );
  return (types ?? 0) + (extensions ?? 0);
}

describe("the demonstration", () => {
  test("npm start -- --once loads, reads back and exits 0; run again it loads nothing twice", async () => {
    using folder = tempFolder("dev");
    const command = ["npm", "start", "--", "--once", "--data", folder.path, ...FREE_PORTS];
    const first = await runProcess(command, { cwd: ROOT });
    expect(first.stderr).not.toContain("ctlstore:");
    expect(first.code).toBe(0);
    expect(first.stdout).toContain(`loaded ${ROWS} rows`);
    expect(first.stdout).toContain("image/png");
    expect(first.stdout).toMatch(/reads by key: p50 [\d.]+ µs/);
    expect(first.stdout).toContain("ledger latency");
    const second = await runProcess(command, { cwd: ROOT });
    expect(second.code).toBe(0);
    expect(second.stdout).toContain("nothing was loaded twice");
    expect(second.stdout).toContain("image/png");
    expect(writesOfRows(folder.path)).toEqual({ writes: ROWS, rows: ROWS });
    expect(rowsInLdb(folder.path)).toBe(ROWS);
  }, 60_000);

  test("I3 completes, with no row written twice, when it was killed again and again", async () => {
    using folder = tempFolder("dev");
    const random = seededRandom(suiteSeed());
    for (let kill = 0; kill < 4; kill++) {
      await using child = startProcess(ctlstore("dev", "--demo", "--data", folder.path, ...FREE_PORTS));
      const step = Math.floor(random() * 5);
      await child.waitForOutput(kill === 0 ? /ctlstore is up/ : new RegExp(`loaded (${step}|\\d{3,4}|all) `));
      await child.kill();
    }
    const { code, stdout } = await runProcess(
      ctlstore("dev", "--demo", "--once", "--data", folder.path, ...FREE_PORTS),
    );
    expect(code).toBe(0);
    expect(stdout).toContain("image/png");
    expect(writesOfRows(folder.path)).toEqual({ writes: ROWS, rows: ROWS });
    expect(rowsInLdb(folder.path)).toBe(ROWS);
  }, 60_000);

  test("exits 0 when it is asked to stop in the middle of the load", async () => {
    using folder = tempFolder("dev");
    await using child = startProcess(ctlstore("dev", "--demo", "--data", folder.path, ...FREE_PORTS));
    await child.waitForOutput(/loaded 0 of/);
    child.signal("SIGINT");
    expect((await child.exited).code).toBe(0);
    expect(child.stderr).not.toContain("ctlstore:");
  });
});

describe("ctlstore dev", () => {
  test.each([
    ["with the demonstration", ["--demo"]],
    ["without it", []],
  ])(
    "prints three commands that work when they are pasted, %s",
    async (_, flags) => {
      using folder = tempFolder("dev with 'quotes' and spaces");
      await using dev = startProcess(ctlstore("dev", "--data", folder.path, ...flags, ...FREE_PORTS));
      await dev.waitForOutput(/Ctrl-C stops/);
      const commands = [...dev.stdout.matchAll(/^ {2}npx ctlstore (.*)$/gm)].map((match) => match[1] ?? "");
      expect(commands).toHaveLength(3);
      const ran: string[] = [];
      for (const line of commands) {
        if (line.startsWith("read ")) await caughtUp(folder.path, ran);
        const result = await runProcess(["bash", "-c", `"$0" "$1" ${line}`, ...ctlstore()]);
        expect(result.stderr).toBe("");
        expect(result.code).toBe(0);
        ran.push(result.stdout);
      }
      if (flags.length > 0) expect(ran[2]).toContain("text/x-mine");
    },
    30_000,
  );

  test("says so and listens elsewhere when a port is taken", async () => {
    using folder = tempFolder("dev");
    using taken = await takenPort();
    const port = taken.port;
    const ports = ["executive", "reflector", "sidecar"].flatMap((name) => [`--${name}-port`, String(port)]);
    const { code, stdout, stderr } = await runProcess(
      ctlstore("dev", "--once", "--data", folder.path, ...ports),
    );
    expect(code).toBe(0);
    expect(stderr).toContain(`port ${port} is taken: the Executive`);
    expect(stderr).toContain(`port ${port} is taken: the Reflector`);
    expect(stderr).toContain(`port ${port} is taken: the sidecar`);
    expect(stdout).toMatch(/Executive +http:\/\/127\.0\.0\.1:\d+/);
    expect(stdout).not.toContain(`:${port} `);
  });

  test("R17 names the holder and exits 1 when another one has the data", async () => {
    using folder = tempFolder("dev");
    await using first = startProcess(ctlstore("dev", "--data", folder.path, ...FREE_PORTS));
    await first.waitForOutput(/Ctrl-C stops/);
    const second = await runProcess(ctlstore("dev", "--data", folder.path, ...FREE_PORTS));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`process ${first.pid}`);
    expect(second.stderr).toContain("--data");
    expect(second.stdout).toBe("");
  });
});

/** Waits until the LDB holds what the last command wrote, when it says so. */
async function caughtUp(dataFolder: string, outputs: readonly string[]): Promise<void> {
  const sequence = /at sequence (\d+)/.exec(outputs.at(-1) ?? "")?.[1];
  if (sequence === undefined) return;
  using reader = openReader({ path: `${dataFolder}/ldb` });
  await reader.waitFor(sequence, { timeoutMs: 10_000 });
}
