/**
 * Sixty-four clients on all routes while the LDB is replaced under them, by flips of a Reflector's kind and by hand, and
 * while its tables change: no failed read, and no answer that mixes two states (D16, R17, R39).
 */
import { expect, test } from "bun:test";
import { existsSync, renameSync, rmSync } from "node:fs";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleLdb } from "../reader/suite/sample-ldb.ts";
import { startProcess } from "../support/process.ts";
import { ROOT } from "../support/services.ts";
import { runsOf } from "../support/suite.ts";
import { until } from "../support/until.ts";
import { SidecarWorld } from "./sidecar-world.ts";

const CLIENTS = 64;
const FLIPS = runsOf({ quick: 4, deep: 60 });
const CHANGES = runsOf({ quick: 12, deep: 300 });
const BY_HAND = runsOf({ quick: 3, deep: 20 });

interface ReadRow {
  readonly v: string;
}

/** Asks for rows again and again, by each route in turn. What is wrong is kept, once for each kind. */
class Clients {
  readonly #url: string;
  readonly wrong = new Map<string, string>();
  reads = 0;
  highest = 0;
  #isOver = false;
  readonly #running: Promise<void>[];

  constructor(url: string) {
    this.#url = url;
    this.#running = Array.from({ length: CLIENTS }, (_, i) => this.#run(i));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #run(first: number): Promise<void> {
    for (let turn = first; !this.#isOver; turn++) {
      try {
        await this.#read(turn);
        this.reads += 1;
      } catch (error) {
        this.wrong.set(`${turn % 6} ${error}`.slice(0, 200), String(error));
      }
    }
  }

  async #read(turn: number): Promise<void> {
    const key = [{ value: 1 + (turn % 2) }];
    if (turn % 6 === 0) return this.#expectOk(await fetch(`${this.#url}/ping`), () => []);
    if (turn % 6 === 1) return this.#expectOk(await fetch(`${this.#url}/get-ledger-latency`), () => []);
    if (turn % 6 === 2) {
      const reads = [{ family: "fam", table: "tbl", keys: [[{ value: 1 }], [{ value: 2 }]] }];
      return this.#expectOk(await this.#post("/get-rows-by-keys", { reads }), (body) => {
        const { results } = body as { results: { rows: ReadRow[] }[] };
        return results[0]?.rows ?? [];
      });
    }
    const path = turn % 6 === 3 ? "/get-row-by-key/fam/tbl" : "/get-rows-by-key-prefix/fam/tbl";
    return this.#expectOk(await this.#post(path, turn % 6 === 3 ? { key } : {}), (body) =>
      Array.isArray(body) ? (body as ReadRow[]) : [body as ReadRow],
    );
  }

  #post(path: string, body: unknown): Promise<Response> {
    return fetch(`${this.#url}${path}`, { method: "POST", body: JSON.stringify(body) });
  }

  /** Every row holds the sequence that it was written at, and all are written at once. */
  async #expectOk(response: Response, rowsOf: (body: unknown) => ReadRow[]): Promise<void> {
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    const sequence = Number(response.headers.get("ctlstore-sequence"));
    for (const { v } of rowsOf(JSON.parse(text))) {
      if (Number(v) !== sequence) throw new Error(`torn: ${v} in a state of ${sequence}`);
    }
    this.highest = Math.max(this.highest, sequence);
  }
}

test("R17 sixty-four clients see no failed read and no torn state while generations flip", async () => {
  // Answers in pieces as well.
  await using w = await new SidecarWorld().start({ limits: { pieceRows: 1 } });
  await using writer = startProcess([process.execPath, `${ROOT}/tests/ldb/steady-writer.ts`, w.folder.path]);
  await writer.waitForOutput(/ready/);
  const clients = new Clients(w.url);
  for (let flip = 1; flip <= FLIPS; flip++) {
    writer.signal("SIGUSR1");
    const [, at = ""] = await writer.waitForOutput(new RegExp(`flipped ${flip} (\\d+)`));
    await until(() => clients.highest > Number(at), { what: "answers of the new generation" });
  }
  await until(() => clients.reads > 20 * CLIENTS, { what: "reads" });
  await clients.stop();
  expect([...clients.wrong.values()]).toEqual([]);
  await until(() => w.sidecar.status().streams === 0, { what: "the last stream to end" });
});

/** Two tables of different kinds that take turns under one name, with one row each for the keys 1 and 2. */
function tableSql(turn: number, sequence: number): string {
  const rows = [1, 2].map((k) => (turn % 2 === 0 ? `(${k}, '${sequence}')` : `('${sequence}', ${k}, NULL)`));
  const fields = turn % 2 === 0 ? '"k" INTEGER, "v" TEXT' : '"v" TEXT, "other" INTEGER, "more" REAL';
  const key = turn % 2 === 0 ? '"k"' : '"other"';
  return `DROP TABLE IF EXISTS fam___tbl; CREATE TABLE fam___tbl (${fields}, PRIMARY KEY(${key}));
    INSERT INTO fam___tbl VALUES ${rows}`;
}

test("D16 R39 sixty-four clients see no failed read and no torn state while tables change and files are replaced by hand", async () => {
  await using w = await new SidecarWorld().start({ limits: { pieceRows: 1 } });
  const ldb = w.folder.ldb();
  ldb.changeSchema(tableSql(0, 1));
  ldb.stamp(1);
  const clients = new Clients(w.url);
  for (let turn = 1; turn <= CHANGES; turn++) {
    ldb.changeSchema(tableSql(turn, ldb.sequence + 1));
    await until(() => clients.highest === ldb.sequence, { what: "answers after the change" });
  }
  let { sequence } = ldb;
  ldb.close();
  for (let turn = 1; turn <= BY_HAND; turn++) {
    sequence += 1;
    replaceByHand(w, turn, sequence);
    await until(() => clients.highest === sequence, { what: "answers of the new file" });
  }
  await clients.stop();
  expect([...clients.wrong.values()]).toEqual([]);
  expect(clients.reads).toBeGreaterThan(10 * CLIENTS);
});

/** Makes a whole database elsewhere, and moves it over the one in use. */
function replaceByHand(w: SidecarWorld, turn: number, sequence: number): void {
  const path = `${w.folder.path}/next.db`;
  const next = new SampleLdb(bunEnvironment, path);
  next.moveTo(sequence - 1);
  next.changeSchema(tableSql(turn, sequence));
  next.stamp(1);
  next.exec("PRAGMA journal_mode = DELETE");
  next.close();
  renameSync(path, w.folder.ldbPath);
  // Those of the old file; a database that is in no WAL mode looks at neither.
  for (const side of ["-wal", "-shm"]) rmSync(`${w.folder.ldbPath}${side}`, { force: true });
  expect(existsSync(`${path}-wal`)).toBe(false);
}
