/** D17: the changelog beside a running Reflector, at each moment of a commit, and through a bootstrap. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { toSequence } from "../../../core/sequence.ts";
import { skipStatement } from "../../../reflector/skip.ts";
import { storeSnapshots } from "../../support/make-snapshot.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { bootstrapping, snapshotAt } from "../bootstrap/harness.ts";
import { reflect, rowsOf } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { randomLedger } from "../random-ledger.ts";
import { changeLog, short } from "./harness.ts";
import { referenceLines } from "./reference.ts";

test("D17 no line is there before its change is committed, at any moment that a process may be killed at", async () => {
  using folder = tempFolder("changelog");
  const ledger = randomLedger(11, 600);
  const path = folder.file("change.log");
  const moments = new Map<string, number>();
  let reader: Database | null = null;
  const onPoint = (point: string) => {
    moments.set(point, (moments.get(point) ?? 0) + 1);
    if (!existsSync(path)) return;
    reader ??= new Database(folder.file("ldb.db"), { readonly: true });
    const { seq = 0 } = reader.query<{ seq: number }, []>("SELECT seq FROM _ldb_seq").get() ?? {};
    const lastWhole = readFileSync(path, "utf8").split("\n").at(-2) ?? "{}";
    expect(Number(JSON.parse(lastWhole).seq)).toBeLessThanOrEqual(seq);
  };
  const options = { changelog: { fileBytes: 4096, files: 100 }, transactionStatements: 20, onPoint };
  await using reflector = await reflect(ledger, folder.path, options);
  await reflector.applies(ledger.head);
  await reflector.reaches("current");
  for (const point of [
    "mid-transaction",
    "changelog-pending",
    "after-commit",
    "mid-append",
    "mid-rotation",
  ]) {
    expect([point, (moments.get(point) ?? 0) > 3]).toEqual([point, true]);
  }
  (reader as Database | null)?.close();
  expect(changeLog(folder.path).lines).toEqual(referenceLines(ledger.entries));
});

test("an entry that an operator passed over has no line", async () => {
  using folder = tempFolder("changelog");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"), 'REPLACE INTO no___such ("k") VALUES(1)', put(2, "a"));
  {
    await using reflector = await reflect(ledger, folder.path, { changelog: {} });
    await reflector.reaches("stuck", "statement_refused");
  }
  const deps = { clock: systemClock, logger: silentLogger };
  skipStatement(deps, { ldbFolder: folder.path, sequence: toSequence(3), reason: "a test" });
  await using reflector = await reflect(ledger, folder.path, { changelog: {} });
  await reflector.applies(4n);
  await until(() => reflector.status().changelog?.sequence === 4n, { what: "all lines" });
  const { lines, histories } = changeLog(folder.path);
  expect(short(lines)).toEqual(["1 schema tbl end", "2 upsert tbl[1] end", "4 upsert tbl[2] end"]);
  expect(histories.length).toBe(1);
});

test("a snapshot that takes the LDB's place begins a new history, and what it goes through before is no change", async () => {
  using folder = tempFolder("changelog");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < 30; key++) ledger.append(put(key, "a"));
  const ldb = folder.file("ldb");
  const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 20)]);
  const before = await reflect(ledger, ldb, { changelog: {} });
  await before.applies(ledger.head);
  await before.stop();
  const { histories } = changeLog(ldb);
  await using reflector = await bootstrapping({
    ledger,
    folder: ldb,
    url,
    bootstrap: { force: true },
    options: { changelog: {} },
  });
  const status = await until(
    () => {
      const found = reflector.status();
      return found.changelog !== null && found.changelog.history !== histories[0] ? found : null;
    },
    { what: "a new history" },
  );
  expect(status.changelog).toMatchObject({ firstSequence: 30n, sequence: 30n, files: 1 });
  expect(changeLog(ldb).lines).toEqual([]);
  ledger.append(put(99, "a"));
  await reflector.applies(31n);
  await until(() => reflector.status().changelog?.sequence === 31n, { what: "the line" });
  expect(short(changeLog(ldb).lines)).toEqual(["31 upsert tbl[99] end"]);
  expect(rowsOf(ldb)).toContain("99=a");
});

test("nothing of a changelog is made when none is asked for", async () => {
  using folder = tempFolder("changelog");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  await using reflector = await reflect(ledger, folder.path);
  await reflector.applies(2n);
  expect(reflector.status().changelog).toBeNull();
  for (const name of ["change.log", "change.log.pending"]) expect(existsSync(folder.file(name))).toBe(false);
});
