/** Readers beside a writer in another process, living and dead (I10, I15, R39). */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openReader } from "../../reader/index.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { until } from "../support/until.ts";
import { bunEnvironment } from "./bun-environment.ts";
import { churnKeyName, makeChurnTable } from "./processes/churn.ts";
import { SampleFolder } from "./suite/sample-ldb.ts";

function start(program: string, ...parameters: string[]): TestProcess {
  return startProcess([process.execPath, join(import.meta.dir, "processes", program), ...parameters]);
}

function churnFolder(): SampleFolder {
  const folder = new SampleFolder(bunEnvironment);
  const ldb = folder.ldb();
  ldb.changeSchema(makeChurnTable("a", 1));
  ldb.close();
  return folder;
}

test("I10 R39 readers in other processes see whole batches and the right key when tables are dropped, remade and widened", async () => {
  using folder = churnFolder();
  const last = "15000";
  await using writer = start("churn-writer.ts", folder.ldbPath, last);
  const readers = [0, 1].map(() => start("churn-reader.ts", folder.path, last));
  for (const reader of readers) {
    const exit = await reader.exited;
    expect(exit.code, reader.stderr).toBe(0);
    const { answers } = JSON.parse(reader.stdout) as { answers: number };
    expect(answers).toBeGreaterThan(1_000);
  }
  expect((await writer.exited).code, writer.stderr).toBe(0);
});

test("I15 reads go on, also for new readers, when the writer was killed in the middle of its work", async () => {
  using folder = churnFolder();
  using before = openReader({ path: folder.path });
  await using writer = start("churn-writer.ts", folder.ldbPath, "1000000000");
  await until(() => before.getLastSequence() > 50n, { what: "a writer at work" });
  await writer.kill();
  using after = openReader({ path: folder.path });
  const sequence = before.getLastSequence();
  for (const reader of [before, after]) {
    expect(reader.getRowByKey("fam", "churn", churnKeyName(3))?.["v"]).toBe(Number(sequence));
    expect(reader.getLastSequence()).toBe(sequence);
  }
});
