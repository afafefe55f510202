/** `read --executive`, `ledger tail` and `history` against a real Executive: what operators see of rows and of the ledger. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { WriterMutation } from "../../client/encode.ts";
import { Writer } from "../../client/index.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { DEPS } from "../ctldb/fixture.ts";
import { reflect } from "../reflector/harness.ts";
import { TEST_ADMIN_TOKEN, testSecret } from "../support/secrets.ts";
import { startCtlstore } from "../support/services.ts";
import { changeFile } from "../verify/world.ts";
import { type OperatorWorld, openOperatorWorld } from "./operator-world.ts";

setDefaultTimeout(30_000);

const SECRET = testSecret("importer");
const HOSTILE = '日本 \u001b[2J😀 "quoted"\u202e';

let world: OperatorWorld;
let writer: Writer;

const write = (...mutations: WriterMutation[]) => writer.write(mutations);
const item = (id: number | bigint, values: WriterMutation["values"] = {}): WriterMutation => ({
  table: "item",
  values: { kind: "a", id, ...values },
});

/** Of a command that must go well. */
async function done(...args: readonly string[]): Promise<string> {
  const { code, out, notes } = await world.run(args);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${notes}`);
  return out;
}

beforeAll(async () => {
  world = await openOperatorWorld();
  await done("create-family", "shop");
  const fields = ["kind:string", "id:integer", "label:text", "price:decimal", "image:binary"];
  const flags = fields.flatMap((field) => ["--field", field]);
  await done("create-table", "shop/item", ...flags, "--key", "kind", "--key", "id");
  await done("create-table", "shop/other", "--field", "id:integer", "--key", "id");
  await done("register-writer", "importer", "--secret", SECRET);
  writer = new Writer({ url: world.url, writer: "importer", secret: SECRET, family: "shop" });
});
afterAll(() => world[Symbol.asyncDispose]());

describe("ctlstore read --executive", () => {
  test("I8 gives the same as the local database, in JSON and in a table, whatever is in a row", async () => {
    await write(
      item(1, { label: HOSTILE, price: 0.1, image: new Uint8Array([0, 255]) }),
      item(9223372036854775807n, { label: null, price: -1e300 }),
      item(-5, { label: "" }),
    );
    const ldb = world.folder.file("ldb");
    await using source = openLedgerSource(`sqlite:${world.folder.file("ctldb.db")}`, DEPS);
    await using reflector = await reflect(source, ldb);
    await reflector.applies(BigInt((await writer.write([item(2)])).sequence));
    for (const what of [
      ["a", "1"],
      ["a", "9223372036854775807"],
      ["a"],
      [],
      ["a", "--prefix"],
      ["--limit", "2"],
    ]) {
      const flags = what.length === 1 && what[0] === "a" ? [...what, "--prefix"] : what;
      for (const form of [[], ["--json"]]) {
        const local = await world.run(["read", "shop/item", ...flags, ...form, "--ldb", ldb]);
        const central = await world.run(["read", "shop/item", ...flags, ...form, "--executive", world.url]);
        expect(central).toEqual(local);
        expect(central.code).toBe(0);
        expect(central.out).not.toBe("");
      }
    }
    expect(await done("read", "shop/item", "a", "1", "--executive", world.url)).not.toContain("\u001b");
  });

  test("I12 finds rows by exact keys, exits 1 when there is none, and says what a key must be", async () => {
    const read = (...args: string[]) => world.run(["read", "shop/item", ...args, "--executive", world.url]);
    expect(await read("a", "9223372036854775806")).toMatchObject({
      code: 1,
      notes: expect.stringContaining("no row"),
    });
    expect(await read("a", "9223372036854775806", "--json")).toMatchObject({ code: 1, out: "null" });
    expect(await read("a", "x")).toMatchObject({ code: 1, notes: expect.stringContaining("[invalid_key]") });
    expect(await read("a", "1", "2")).toMatchObject({
      code: 1,
      notes: expect.stringContaining("[invalid_key]"),
    });
    const unknown = await world.run(["read", "shop/nothing", "1", "--executive", world.url]);
    expect(unknown).toMatchObject({ code: 1, notes: expect.stringContaining("[unknown_table]") });
  });

  test("reads all pages, and no more rows than it is told", async () => {
    const label = "x".repeat(400_000);
    for (let id = 100; id < 112; id++) await write({ table: "item", values: { kind: "large", id, label } });
    const ids = async (...flags: string[]) => {
      const out = await done(
        "read",
        "shop/item",
        "large",
        "--prefix",
        "--json",
        "--executive",
        world.url,
        ...flags,
      );
      return (JSON.parse(out) as { id: number }[]).map(({ id }) => id);
    };
    expect(await ids()).toEqual(Array.from({ length: 12 }, (_, i) => 100 + i));
    expect(await ids("--limit", "11")).toHaveLength(11);
  });

  test("stays with the local database where only the variable names an Executive", async () => {
    const { code, notes } = await world.run([
      "read",
      "shop/item",
      "a",
      "1",
      "--ldb",
      world.folder.file("none"),
    ]);
    expect(code).toBe(1);
    expect(notes).toContain("[ldb_not_found]");
  });
});

interface Entry {
  readonly sequence: number;
  readonly table: string | null;
  readonly kind: string;
  readonly statement: string;
  readonly truncated?: boolean;
}

const entriesIn = (out: string): Entry[] =>
  out === "" ? [] : out.split("\n").map((line) => JSON.parse(line) as Entry);

describe("ctlstore ledger tail", () => {
  const tail = async (...flags: string[]) => entriesIn(await done("ledger", "tail", "--json", ...flags));

  test("prints the last entries, the oldest of them first, as many as it is told", async () => {
    await write(item(1, { label: "for the tail" }));
    const all = await tail("-n", "100000");
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, i) => i + 1));
    expect(await tail()).toEqual(all.slice(-10));
    expect(await tail("-n", "3")).toEqual(all.slice(-3));
    expect(await tail("-n", "0")).toEqual([]);
    expect(all.at(-1)).toMatchObject({ writer: "importer", table: "item", kind: "upsert" });
  });

  test("begins after a sequence, and keeps to a family and a table", async () => {
    await write({ table: "other", values: { id: 1 } }, item(3), { table: "other", values: { id: 2 } });
    const all = await tail("-n", "100000");
    expect(await tail("--after", "2")).toEqual(all.slice(2));
    expect(await tail("--after", "2", "-n", "4")).toEqual(all.slice(2, 6));
    expect(await tail("--after", String(all.length))).toEqual([]);
    const ofOther = all.filter(({ table }) => table === "other");
    expect(ofOther.length).toBeGreaterThan(2);
    expect(await tail("--family", "shop", "--table", "other")).toEqual(ofOther);
    expect(await tail("--family", "shop", "--table", "other", "--after", "0", "-n", "2")).toEqual(
      ofOther.slice(0, 2),
    );
    expect((await world.run(["ledger", "tail", "--table", "other"])).code).toBe(2);
  });

  test("says when the place to begin at is beyond the ledger's end", async () => {
    const { code, out, notes } = await world.run(["ledger", "tail", "--after", "1000000"]);
    expect({ code, out }).toEqual({ code: 0, out: "" });
    expect(notes).toMatch(/the ledger ends at \d+/);
  });

  test("fits lines into the terminal, shows no order to it, and cuts nothing elsewhere", async () => {
    await write(item(1, { label: `${HOSTILE}${"日本".repeat(100)}` }));
    const narrow = (await world.run(["ledger", "tail", "-n", "1"], { columns: 90 })).out;
    expect(narrow).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}\d+ {2}importer {2}shop\/item {2}upsert {2}REPLACE .*…$/,
    );
    expect(Bun.stringWidth(narrow)).toBeLessThanOrEqual(90);
    const whole = await done("ledger", "tail", "-n", "1");
    expect(whole).toContain("日本".repeat(100));
    expect(whole).not.toContain("\u001b");
    expect(whole).not.toContain("\u202e");
    expect((await world.run(["ledger", "tail", "-n", "1", "--full"], { columns: 90 })).out).toBe(whole);
  });

  test("prints long statements whole with --full alone, and says when one is cut", async () => {
    await write(item(1, { label: "y".repeat(5_000) }));
    expect((await tail("-n", "1"))[0]).toMatchObject({ truncated: true });
    const [full] = await tail("-n", "1", "--full");
    expect(full?.truncated).toBeUndefined();
    expect(full?.statement).toContain("y".repeat(5_000));
    expect(await done("ledger", "tail", "-n", "1")).toEndWith("…");
  });

  test("ends well when somebody presses Ctrl-C", async () => {
    await using child = startCtlstore(
      ["ledger", "tail", "-f", "-n", "1", "--json", "--executive", world.url],
      {
        env: { CTLSTORE_ADMIN_TOKEN: TEST_ADMIN_TOKEN },
      },
    );
    await child.waitForOutput(/"sequence"/);
    const { sequence } = await write(item(77));
    await child.waitForOutput(new RegExp(`"sequence":${sequence},`));
    child.signal("SIGINT");
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });
});

interface Change {
  readonly sequence: number;
  readonly kind: string;
  readonly old?: Record<string, unknown> | null;
  readonly new: Record<string, unknown> | null;
}

describe("ctlstore history", () => {
  const history = async (...args: string[]) =>
    JSON.parse(await done("history", "shop/item", ...args, "--json")) as {
      changes: Change[];
      complete: boolean;
    };

  test("shows when, who, what, and each field that became another, the newest change first", async () => {
    await write(item(500, { label: HOSTILE, price: 1 }));
    await write(item(500, { label: "second", price: 1 }));
    await write(item(500, { label: "second", price: 1 }));
    await write({ ...item(500), delete: true });
    const { code, out, notes } = await world.run(["history", "shop/item", "a", "500"]);
    expect({ code, notes }).toEqual({ code: 0, notes: "" });
    const lines = out.split("\n").map((line) =>
      line
        .replace(/^\S+Z +\d+ +/, "* ")
        .replace(/ {2,}/g, "  ")
        .trim(),
    );
    expect(lines).toEqual([
      "WHEN  SEQUENCE  WRITER  KIND  CHANGE",
      "* importer  delete  the row is gone:",
      'label: was "second"',
      "price: was 1",
      "image: was null",
      "* importer  upsert  the same again",
      `* importer  upsert  label: "日本 \\u001b[2J😀 \\"quoted\\"\\u202e" → "second"`,
      "* importer  upsert  a new row:",
      `label: "日本 \\u001b[2J😀 \\"quoted\\"\\u202e"`,
      "price: 1",
      "image: null",
      "* -  create",
    ]);
  });

  test("goes on from page to page by itself, each change once, and stops at as many as it is told", async () => {
    for (let at = 0; at < 620; at += 62)
      await write(...Array.from({ length: 62 }, (_, i) => item(600, { label: `${at + i}` })));
    const { changes, complete } = await history("a", "600", "-n", "1000");
    expect(complete).toBeTrue();
    expect(changes).toHaveLength(621);
    const labels = changes.slice(0, -1).map((change) => change.new?.["label"]);
    expect(labels).toEqual(Array.from({ length: 620 }, (_, i) => `${619 - i}`));
    expect(changes[500]?.old).toMatchObject({ label: "118" });
    const few = await history("a", "600", "-n", "5");
    expect(few).toMatchObject({ complete: false, changes: changes.slice(0, 5) });
    expect((await world.run(["history", "shop/item", "a", "600"])).notes).toContain(
      "there may be more (-n 200)",
    );
  });

  test("refuses what is no whole key, and tables that are not there", async () => {
    const codeOf = async (...args: string[]) =>
      /\[(\w+)\]/.exec((await world.run(["history", ...args])).notes)?.[1];
    expect(await codeOf("shop/item", "a")).toBe("invalid_key");
    expect(await codeOf("shop/item", "a", "one")).toBe("invalid_key");
    expect(await codeOf("shop/nothing", "a")).toBe("unknown_table");
  });

  // The last one: it takes entries away from the ledger.
  test("says where the ledger no longer reaches, and so does ledger tail", async () => {
    await write(item(700, { label: "gone" }));
    const { sequence } = await write(item(700, { label: "kept" }));
    changeFile(world.folder.file("ctldb.db"), [`DELETE FROM ctlstore_dml_ledger WHERE seq < ${sequence}`]);
    const { out, notes } = await world.run(["history", "shop/item", "a", "700"]);
    expect(out).toContain("what was before is not known:");
    expect(notes).toBe(`what was before ${sequence} is not known: the ledger reaches back to ${sequence}`);
    expect(await world.run(["history", "shop/item", "a", "701"])).toMatchObject({
      code: 1,
      notes: "ctlstore: the ledger has nothing about shop/item a, 701",
    });
    const tailed = await world.run(["ledger", "tail", "--after", "3", "--json"]);
    expect(entriesIn(tailed.out).map((entry) => entry.sequence)).toEqual([Number(sequence)]);
    expect(tailed.notes).toBe(`entries 4 to ${sequence - 1n} are no longer in the ledger`);
  });
});
