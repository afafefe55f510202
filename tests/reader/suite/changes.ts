/** `reader.changes()`: each change once, whole ledger transactions, and what a change is. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import type { ChangesOptions } from "../../../reader/types.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { throwsCode } from "./expect.ts";
import {
  brief,
  lineText,
  nextEvent,
  nextEvents,
  row,
  SampleChangelog,
  transactionText,
} from "./sample-changelog.ts";
import { SampleFolder } from "./sample-ldb.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, PRIMARY KEY("id"))';

export function defineChangesTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("D17 changes come once, in order, with the last one of each ledger transaction told", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    const log = new SampleChangelog(folder.path, { seq: 1 });
    await using changes = folder.reader().changes();
    ldb.moveTo(9);
    log.append(row(3, 1), row(4, 2), row(5, 1, "delete"));
    log.append(row(7, 3));
    log.append({ seq: 8, kind: "clear" }, { seq: 9, kind: "schema" });
    const events = await nextEvents(changes, 6);
    assert.deepEqual(events.map(brief), [
      "upsert 1",
      "upsert 2",
      "delete 1.",
      "upsert 3.",
      "clear",
      "schema.",
    ]);
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      [3n, 4n, 5n, 7n, 8n, 9n],
    );
    assert.deepEqual(events[0], {
      kind: "upsert",
      family: "fam",
      table: "t1",
      key: [1],
      keyFields: ["id"],
      sequence: 3n,
      cursor: `3@${log.history}`,
      last: false,
    });
    assert.deepEqual(events[4], {
      kind: "clear",
      family: "fam",
      table: "t1",
      sequence: 8n,
      cursor: `8@${log.history}`,
      last: false,
    });
    assert.equal(changes.cursor, `9@${log.history}`);
  });

  test("changes begin at the time of the call when no cursor is given", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(2);
    const log = new SampleChangelog(folder.path);
    log.append(row(1, 1));
    // Committed already, and not in the changelog yet: what the reader reads has it.
    const changes = folder.reader().changes();
    assert.equal(changes.cursor, `2@${log.history}`);
    log.append(row(2, 2));
    ldb.moveTo(3);
    log.append(row(3, 3));
    assert.equal(brief(await nextEvent(changes)), "upsert 3.");
    await changes.return();
  });

  test("changes are held back when the LDB does not hold them", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    const log = new SampleChangelog(folder.path);
    const reader = folder.reader();
    await using changes = reader.changes({ pollIntervalMs: 1 });
    log.append(row(2, 2));
    let isTold = false;
    const waiting = changes.next().then((result) => {
      isTold = true;
      return result;
    });
    // It looks, again and again.
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(isTold, false);
    ldb.apply("INSERT INTO fam___t1 VALUES(2)");
    const { value } = await waiting;
    assert.equal(value && brief(value), "upsert 2.");
    assert.deepEqual(reader.getRowByKey("fam", "t1", 2), { id: 2 });
  });

  test("changes of an LDB that is still empty come when it is filled", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    const log = new SampleChangelog(folder.path);
    await using changes = folder.reader().changes({ pollIntervalMs: 1 });
    const waiting = changes.next();
    ldb.changeSchema(TABLE);
    log.append({ seq: 1, kind: "schema" });
    const { value } = await waiting;
    assert.equal(value && brief(value), "schema.");
  });

  test("ledger transaction is given whole when it is torn by a crash, in a line and between lines", async () => {
    const text = transactionText([row(21, 1), row(22, 2), { ...row(23, 3), table: "tä🙂" }]);
    const bytes = new TextEncoder().encode(text);
    for (let cut = 0; cut <= bytes.length; cut += 7) {
      using torn = new SampleFolder(environment);
      const ldb = torn.ldb();
      ldb.moveTo(20);
      const log = new SampleChangelog(torn.path);
      await using changes = torn.reader().changes({ pollIntervalMs: 1 });
      ldb.moveTo(30);
      appendFileSync(log.path, bytes.subarray(0, cut));
      const waiting = nextEvents(changes, 3);
      // The reader looks at what is there so far.
      await new Promise((resolve) => setImmediate(resolve));
      appendFileSync(log.path, bytes.subarray(cut));
      assert.deepEqual((await waiting).map(brief), ["upsert 1", "upsert 2", "upsert 3."]);
    }
  });

  test("I12 keys come as getRowByKey takes them, exact, of every type", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(5);
    const log = new SampleChangelog(folder.path);
    const key = (type: string, value: unknown) => ({ name: "k", type, value });
    const text = `a'"\\\u0000é🙂\n`;
    log.append({
      seq: 1,
      key: [key("string", text), key("VARCHAR(191)", "b"), key("bytestring", "AP+A"), key("bytestring", "")],
    });
    const [plain] = lineText({ seq: 2, key: [key("integer", 7), key("INTEGER", -7)] }, true).split("\n");
    log.write(`${plain?.replace("-7", "-9223372036854775808")}\n`);
    log.append({ seq: 3, key: [key("integer", "9223372036854775807")] });
    const bytes = new Uint8Array([0, 255, 128]);
    for (const [integers, seven] of [
      ["number", 7],
      ["bigint", 7n],
    ] as const) {
      await using changes = folder.reader({ integers }).changes({ since: 0 });
      const keys = (await nextEvents(changes, 3)).map((event) => "key" in event && event.key);
      assert.deepEqual(keys, [
        [text, "b", bytes, new Uint8Array()],
        [seven, -9223372036854775808n],
        [9223372036854775807n],
      ]);
    }
  });

  test("sequences beyond 2^53 are exact in events and cursors", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(9007199254740993n);
    const log = new SampleChangelog(folder.path);
    log.append({ ...row(0, 1), seq: "9007199254740993" });
    await using changes = folder.reader().changes({ since: "9007199254740992" });
    const event = await nextEvent(changes);
    assert.equal(event.sequence, 9007199254740993n);
    assert.equal(event.cursor, `9007199254740993@${log.history}`);
  });

  test("filter lets its family and table pass, in capitals too, and the cursor goes on over the others", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(12);
    const log = new SampleChangelog(folder.path);
    log.append(row(1, 1), { ...row(2, 2), table: "t2" }, { ...row(3, 3), family: "other" });
    log.append({ seq: 5, kind: "drop", table: "t2" });
    log.append({ ...row(7, 7), family: "other" });
    const reader = folder.reader();
    const all = async (options: ChangesOptions, count: number) => {
      await using changes = reader.changes({ since: 0, ...options });
      return (await nextEvents(changes, count)).map(
        (event) => `${brief(event)} ${event.cursor.split("@")[0]}`,
      );
    };
    assert.deepEqual(await all({ family: "FAM" }, 3), ["upsert 1 1", "upsert 2. 3", "drop. 5"]);
    assert.deepEqual(await all({ family: "fam", table: "T1" }, 1), ["upsert 1. 3"]);
    assert.deepEqual(await all({ family: "other" }, 2), ["upsert 3. 3", "upsert 7. 7"]);

    await using none = reader.changes({ since: 0, family: "fam", table: "unheard_of", pollIntervalMs: 1 });
    const waiting = none.next();
    while (none.cursor !== `7@${log.history}`) await new Promise((resolve) => setTimeout(resolve, 1));
    log.append({ ...row(9, 9), table: "unheard_of" });
    assert.equal((await waiting).value?.sequence, 9n);
  });

  test("change of which no table is known passes every filter, as an invalidation", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(9);
    const log = new SampleChangelog(folder.path);
    log.append(row(1, 1), { seq: 2, kind: "reload", family: "", table: "" }, row(3, 3));
    log.append({ seq: 5, kind: "reload" });
    log.append({ seq: 7, kind: "reload", table: "t2" });
    log.append(row(9, 9));
    await using changes = folder.reader().changes({ since: 0, family: "fam", table: "t1" });
    const events = await nextEvents(changes, 3);
    assert.deepEqual(events.map(brief), ["invalidate unlisted", "reload.", "upsert 9."]);
    assert.equal(events[0]?.cursor, `3@${log.history}`);
  });

  test("changes refuses at once what is no cursor, no name, or no interval", () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(1);
    const reader = folder.reader();
    for (const since of [
      "",
      "x",
      "-1",
      "1@",
      "1@XY",
      "1@00000000000000a",
      -1,
      1.5,
      2 ** 60,
      2n ** 63n,
      "9".repeat(19),
    ]) {
      throwsCode("malformed_request", () => reader.changes({ since }));
    }
    throwsCode("invalid_name", () => reader.changes({ family: "a b" }));
    throwsCode("invalid_name", () => reader.changes({ family: "fam", table: "a__b" }));
    throwsCode("config_invalid", () => reader.changes({ table: "t1" }));
    for (const pollIntervalMs of [0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
      throwsCode("config_invalid", () => reader.changes({ pollIntervalMs }));
    }
    reader.close();
    throwsCode("reader_closed", () => reader.changes());
  });
}
