/** `ctlstore changes`, on a changelog that a Reflector of this process keeps. */
import { describe, expect, test } from "bun:test";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { runCommandLine } from "../../cli/run.ts";
import { reflect } from "../reflector/harness.ts";
import { MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { startCtlstore } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { fakeContext } from "./fake-context.ts";

async function run(...args: readonly string[]) {
  const context = fakeContext();
  const code = await runCommandLine(args, context, { commands: ALL_COMMANDS, groups: GROUPS });
  return { code, out: context.outLines, notes: context.noteLines.join("\n") };
}

const CREATE = (table: string, key: string) =>
  `CREATE TABLE ${table} ("k" ${key}, "v" VARCHAR(191), PRIMARY KEY("k"));`;

/** Rows with keys of every kind, in two tables. */
function filledLedger(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE("fam___tbl", "INTEGER"), CREATE("other___bytes", "BLOB(255)"));
  const large = `REPLACE INTO fam___tbl ("k","v") VALUES(9007199254740993,'b')`;
  ledger.appendTransaction(put(1, "a"), large, 'DELETE FROM fam___tbl WHERE "k" = 1');
  ledger.append(`REPLACE INTO other___bytes ("k","v") VALUES(x'00ff','c')`, "DELETE FROM fam___tbl");
  return ledger;
}

describe("ctlstore changes", () => {
  test("prints what is kept, as text and as JSON, and the cursor to go on from", async () => {
    using folder = tempFolder("changes");
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path, { changelog: {} });
    await reflector.applies(ledger.head);

    const all = await run("changes", "--ldb", folder.path);
    expect(all.out).toEqual([
      "1  schema  fam/tbl",
      "2  schema  other/bytes",
      "5  upsert  fam/tbl  9007199254740993",
      "6  delete  fam/tbl  1",
      "8  upsert  other/bytes  AP8=",
      "9  clear   fam/tbl",
    ]);
    const cursor = /--since (9@[0-9a-f]{16})$/.exec(all.notes)?.[1] ?? "";
    expect(all.code).toBe(0);

    const json = await run("changes", "--ldb", folder.path, "--since", "2", "--table", "FAM/tbl", "--json");
    expect(json.out.map((line) => JSON.parse(line))).toEqual([
      {
        kind: "upsert",
        family: "fam",
        table: "tbl",
        key: ["9007199254740993"],
        keyFields: ["k"],
        sequence: 5,
        cursor: cursor.replace("9@", "5@"),
        last: false,
      },
      expect.objectContaining({ kind: "delete", key: [1], last: true }),
      expect.objectContaining({ kind: "clear", sequence: 9, last: true }),
    ]);

    expect((await run("changes", "--ldb", folder.path, "--since", cursor)).out).toEqual([]);
    expect((await run("changes", "--ldb", folder.path, "--since", "9")).notes).toContain(`--since ${cursor}`);
    expect((await run("changes", "--ldb", folder.path, "--since", "1@00000000000000aa")).out).toEqual([
      "9  invalidate  anything may have changed: reset",
    ]);
    expect((await run("changes", "--ldb", folder.path, "--family", "other")).out).toHaveLength(2);
  });

  test("says what is wrong when there is no changelog, no cursor, or two families", async () => {
    using folder = tempFolder("changes");
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.applies(ledger.head);
    const wrong: readonly (readonly [string, ...string[]])[] = [
      ["start the Reflector with --changelog"],
      ["it is no cursor", "--since", "x"],
      ["with a table of fam", "--family", "other", "--table", "fam/tbl"],
    ];
    for (const [message, ...flags] of wrong) {
      const { code, notes } = await run("changes", "--ldb", folder.path, ...flags);
      expect(code).not.toBe(0);
      expect(notes).toContain(message);
    }
  });

  test("follows what comes until it is interrupted, and says then where to go on", async () => {
    using folder = tempFolder("changes");
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path, { changelog: {} });
    await reflector.applies(ledger.head);
    await using following = startCtlstore(["changes", "-f", "--since", "9", "--ldb", folder.path]);
    ledger.append(put(7, "later"));
    await following.waitForOutput(/10 {2}upsert {2}fam\/tbl {2}7\n/);
    following.signal("SIGINT");
    expect(await following.exited).toEqual({ code: 0, signal: null });
    expect(following.stderr).toMatch(/go on with --since 10@[0-9a-f]{16}\n$/);
  });
});
