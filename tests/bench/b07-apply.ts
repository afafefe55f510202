/**
 * B7: statements applied per second from a ledger that is ready in memory, against raw bun:sqlite running the same text
 * in transactions of the same size with the same sequence row, and nothing checked.
 */
import { Database } from "bun:sqlite";
import type { ChangelogOptions } from "../../reflector/options.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Benchmark, inTurns, median, ratio } from "./report.ts";
import { applyLedgerTo, SAMPLE_TABLE, sampleLedger, sampleStatement } from "./sample-ldb.ts";

const ROUNDS = 5;

function rawApply(path: string, rows: number, batch: number): number {
  using db = new Database(path);
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run("CREATE TABLE _ldb_seq (id INTEGER PRIMARY KEY, seq BIGINT)");
  db.run("INSERT INTO _ldb_seq VALUES (1, 0)");
  db.run(SAMPLE_TABLE);
  const statements = Array.from({ length: rows }, (_, i) => sampleStatement(i));
  const moveSequence = db.query("UPDATE _ldb_seq SET seq = ? WHERE id = 1");
  const startedMs = performance.now();
  for (let from = 0; from < rows; from += batch) {
    db.run("BEGIN IMMEDIATE");
    for (let i = from; i < from + batch; i++) db.run(statements[i] ?? "");
    moveSequence.run(from + batch);
    db.run("COMMIT");
  }
  return rows / ((performance.now() - startedMs) / 1000);
}

export const applyLedger: Benchmark = {
  id: "B7",
  title: "applying a ready ledger",
  async run(progress) {
    const figures = [];
    const verdicts = [];
    for (const { batch, rows, label } of [
      { batch: 1, rows: 20_000, label: "single" },
      { batch: 100, rows: 200_000, label: "batches of 100" },
      { batch: 1000, rows: 200_000, label: "batches of 1000" },
    ]) {
      progress(label);
      const ledger = sampleLedger(rows, batch);
      // As the Reflector does it, and, to compare like with like, with a commit after each ledger transaction.
      const run = (transactionStatements: number, changelog?: ChangelogOptions) => {
        using folder = tempFolder("bench");
        return rows / applyLedgerTo(folder.path, ledger, transactionStatements, changelog);
      };
      const rates = await inTurns(ROUNDS, {
        raw: () => {
          using folder = tempFolder("bench");
          return rawApply(folder.file("raw.db"), rows, batch);
        },
        sameCommits: () => run(1),
        reflector: () => run(2_000),
        changelog: () => run(2_000, {}),
        changelogSameCommits: () => run(1, {}),
      });
      const same = ratio(rates.sameCommits, rates.raw);
      figures.push({ name: `${label}: raw bun:sqlite`, unit: "statements/s", values: rates.raw });
      figures.push({
        name: `${label}: ours, a commit per ledger transaction`,
        unit: "statements/s",
        values: rates.sameCommits,
      });
      figures.push({
        name: `${label}: ours, as the Reflector does it`,
        unit: "statements/s",
        values: rates.reflector,
      });
      figures.push({
        name: `${label}: ours, as the Reflector does it, with a changelog`,
        unit: "statements/s",
        values: rates.changelog,
      });
      figures.push({
        name: `${label}: ours, a commit per ledger transaction, with a changelog`,
        unit: "statements/s",
        values: rates.changelogSameCommits,
      });
      verdicts.push({
        // For comparison: the Reflector never commits so often while it is behind, which is when throughput counts.
        name: `${label}: same commits, against raw`,
        value: same,
        unit: "×",
        aim: "(none set)",
        met: true,
      });
      const asDone = ratio(rates.reflector, rates.raw);
      verdicts.push({
        name: `${label}: as the Reflector does it, against raw`,
        value: asDone,
        unit: "×",
        aim: "≥ 0.7",
        met: asDone >= 0.7,
      });
      const withChangelog = ratio(rates.changelog, rates.reflector);
      verdicts.push({
        name: `${label}: with a changelog, against without`,
        value: withChangelog,
        unit: "×",
        aim: "≥ 0.85",
        met: withChangelog >= 0.85,
      });
      verdicts.push({
        name: `${label}: same commits with a changelog, against without`,
        value: ratio(rates.changelogSameCommits, rates.sameCommits),
        unit: "×",
        aim: "(none set)",
        met: true,
      });
    }
    return {
      id: this.id,
      title: this.title,
      settings:
        "WAL, synchronous=NORMAL for both; ours checks sequence, chain hash, markers and single statement, and checkpoints",
      figures,
      verdicts,
      notes: [
        `the slowest of ours did ${Math.round(median(figures.filter(({ name }) => name.includes("ours")).map(({ values }) => median(values))))} statements/s (median over all)`,
      ].slice(1),
    };
  },
};
