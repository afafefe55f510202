/**
 * The peer of B19's whole path, on the loader's runtime: rows written by `Writer` alone, in batches of 100.
 *
 * `node writers.mjs URL WRITERS ROWS` prints rows per second; the writers are `writer0`, `writer1` and so on.
 */
import { Writer } from "../../client/index.ts";
import { benchRow } from "./b19-row.ts";

const [url = "", writers = "1", rows = "1"] = process.argv.slice(2);
const count = Number(writers);
const perWriter = Math.ceil(Number(rows) / count);

function* rowsOf(index: number) {
  for (let i = 0; i < perWriter; i++) yield { table: "rows", values: benchRow(index * perWriter + i) };
}

const startedMs = performance.now();
await Promise.all(
  Array.from({ length: count }, (_, index) =>
    new Writer({ url, writer: `writer${index}`, secret: "secret", family: "bench" }).writeAll(rowsOf(index)),
  ),
);
console.log((count * perWriter) / ((performance.now() - startedMs) / 1_000));
