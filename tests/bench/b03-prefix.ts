/** B3: all rows with a key prefix, 100 of 200,000, against raw bun:sqlite in the same process. */
import { join } from "node:path";
import { openReader } from "../../reader/index.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { eachMicros, meanMicros } from "./read-times.ts";
import { type Benchmark, inTurns, percentile, ratio } from "./report.ts";
import { applyLedgerTo, ledgerOf, openRaw, SAMPLE_ROWS } from "./sample-ldb.ts";

const ROWS = 100;
const LISTS = SAMPLE_ROWS / ROWS;
const CALLS = 4_000;
const ROUNDS = 7;

function listName(list: number): string {
  return `list-${list.toString(36).padStart(6, "0")}`;
}

function* statements(): Generator<string> {
  yield `CREATE TABLE bench___lists ("list" VARCHAR(191), "item" INTEGER, "name" VARCHAR(191), "weight" REAL, PRIMARY KEY("list","item"));`;
  for (let i = 0; i < SAMPLE_ROWS; i++) {
    const [list, item] = [i % LISTS, Math.floor(i / LISTS)];
    yield `REPLACE INTO bench___lists ("list","item","name","weight") VALUES('${listName(list)}',${item},'item ${item} of list ${list}',${i / 8})`;
  }
}

export const prefixScan: Benchmark = {
  id: "B3",
  title: `${ROWS} rows by a key prefix`,
  async run(progress) {
    using folder = tempFolder("bench");
    progress("making the LDB");
    applyLedgerTo(folder.path, ledgerOf(statements()), 2_000);
    const path = join(folder.path, "ldb.db");
    using reader = openReader({ path });
    using raw = openRaw(path);
    using cached = openRaw(path, "like-ours");
    const sql =
      "SELECT `list`, `item`, `name`, `weight` FROM bench___lists WHERE `list` = ? ORDER BY `list`, `item`";
    const [statement, cachedStatement] = [raw.query(sql), cached.query(sql)];
    const ours = (list: string) => [...reader.getRowsByKeyPrefix("bench", "lists", list)];
    const bare = (list: string) => statement.all(list);
    const bareCached = (list: string) => cachedStatement.all(list);
    const lists = Array.from({ length: CALLS }, () => listName(Math.floor(Math.random() * LISTS)));
    if (ours(lists[0] ?? "").length !== ROWS) throw new Error("the prefix has not the rows that it should");
    for (const way of [ours, bare, bareCached]) meanMicros(way, lists);
    progress("reading");
    const means = await inTurns(ROUNDS, {
      ours: () => meanMicros(ours, lists),
      bare: () => meanMicros(bare, lists),
      bareCached: () => meanMicros(bareCached, lists),
    });
    const each = eachMicros(ours, lists);
    const value = ratio(means.ours, means.bare);
    const fair = ratio(means.ours, means.bareCached);
    return {
      id: this.id,
      title: this.title,
      settings:
        "LDB in WAL mode, in the page cache; rows of one list are spread over the table, found by the key",
      figures: [
        { name: "reader, mean", unit: "µs", values: means.ours },
        { name: "reader, p50", unit: "µs", values: [percentile(each, 0.5)] },
        { name: "reader, p99", unit: "µs", values: [percentile(each, 0.99)] },
        { name: "raw bun:sqlite, mean", unit: "µs", values: means.bare },
        { name: "raw bun:sqlite with our page cache, mean", unit: "µs", values: means.bareCached },
      ],
      verdicts: [
        { name: "against raw bun:sqlite", value, unit: "×", aim: "≤ 1.5", met: value <= 1.5 },
        {
          name: "against raw bun:sqlite with our page cache",
          value: fair,
          unit: "×",
          aim: "≤ 1.5",
          met: fair <= 1.5,
        },
      ],
    };
  },
};
