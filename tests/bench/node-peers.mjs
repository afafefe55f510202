// Read peers on Node: `node node-peers.mjs LDB READER_PACKAGE CACHE`. Prints {"figures", "notes"} as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

const [ldbPath, readerPackage, cache] = process.argv.slice(2);
const READS = 100_000;
const ROUNDS = 5;
const SQL = "SELECT `id`, `name`, `count`, `weight` FROM bench___rows WHERE `id` = ?";

const contestants = {};
const notes = [];

const db = new DatabaseSync(ldbPath, { readOnly: true });
const statement = db.prepare(SQL);
contestants["Node 24: raw node:sqlite, uniform, mean"] = (key) => statement.get(key);

const manifest = createRequire(import.meta.url)(join(readerPackage, "package.json"));
const entry = [manifest.exports["."]].flatMap((target) =>
  typeof target === "string" ? target : [target.node ?? target.default],
);
const target = typeof entry[0] === "string" ? entry[0] : entry[0].default;
const { openReader } = await import(pathToFileURL(join(readerPackage, target)).href);
const reader = openReader({ path: ldbPath });
contestants["Node 24: reader, uniform, mean"] = (key) => reader.getRowByKey("bench", "rows", key);

const require = createRequire(join(cache, "package.json"));
let folder = null;
try {
  const { open } = require("lmdb");
  folder = mkdtempSync(join(tmpdir(), "ctlstore-lmdb-"));
  const store = open({ path: folder });
  await store.transaction(() => {
    for (const row of db.prepare("SELECT * FROM bench___rows").iterate()) store.put(row.id, { ...row });
  });
  contestants["Node 24: lmdb, uniform, mean"] = (key) => store.get(key);
} catch (error) {
  notes.push(`lmdb was not compared: ${error.message}`);
}

const ids = db
  .prepare("SELECT `id` FROM bench___rows")
  .all()
  .map((row) => row.id);
const keys = Array.from({ length: READS }, () => ids[Math.floor(Math.random() * ids.length)]);
const values = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, read] of Object.entries(contestants)) {
    const started = process.hrtime.bigint();
    for (const key of keys) read(key);
    const micros = Number(process.hrtime.bigint() - started) / READS / 1000;
    if (round >= 0) values[name].push(micros);
  }
}
if (folder !== null) rmSync(folder, { recursive: true, force: true });
process.stdout.write(
  JSON.stringify({
    figures: Object.entries(values).map(([name, list]) => ({ name, unit: "µs", values: list })),
    notes,
  }),
);
process.exit(0);
