/** R35, D13: a table that grows beyond its limits, through two real Executives on one ctldb and a webhook. */
import { describe, expect, test } from "bun:test";
import { isCtlstoreError, unwrap, Writer } from "../../client/index.ts";
import { listenPlainly } from "../support/http-server.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess, startExecutiveService } from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { makeStoryTable, STORY_WRITER } from "./story.ts";

const CTLDBS: [string, (folder: TempFolder) => Promise<string>][] = [
  ["embedded SQLite", async (folder) => `sqlite:${folder.file("ctldb.db")}`],
  ["MariaDB", async () => (await sharedMariadb()).createDatabase()],
];

const KIB = 1024;
const SECRET_PATH = "/hooks/very-secret";
const OTHER_WRITER = "another";
const TABLE = { family: "story", table: "rows" } as const;

interface Call {
  readonly event: string;
  readonly bytes: number;
  readonly [member: string]: unknown;
}

function startReceiver() {
  const calls: Call[] = [];
  const server = listenPlainly("127.0.0.1:0", async (request) => {
    calls.push((await request.json()) as Call);
    return new Response("");
  });
  return {
    calls,
    url: `${server.url}${SECRET_PATH}`,
    [Symbol.asyncDispose]: async () => void (await server.stop(true)),
  };
}

const row = (id: number, chars = 20 * KIB, table: string = TABLE.table) => ({
  table,
  values: { id, text: "x".repeat(chars) },
});

async function codeOf(write: Promise<unknown>): Promise<string> {
  const error = await write.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error === null) return "ok";
  if (!isCtlstoreError(error)) throw error;
  return error.code;
}

async function metric(executive: ServiceProcess, line: string): Promise<number | null> {
  const text = await (await fetch(`${executive.url}/metrics`)).text();
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return found === undefined ? null : Number(found.slice(line.length + 1));
}

describe.each(CTLDBS)("on %s", (_, ctldbIn) => {
  test("R35 a table that is over its limits is told of once, takes what makes room, and goes on when there is some", async () => {
    using folder = tempFolder();
    const ctldb = await ctldbIn(folder);
    await using receiver = startReceiver();
    const flags = [
      ...["--table-warn-size", "150KiB", "--table-max-size", "400KiB"],
      ...["--table-size-interval-ms", "100", "--webhook", receiver.url],
    ];
    const first = await startExecutiveService(ctldb, flags);
    await using _first = first.process;
    const second = await startExecutiveService(ctldb, flags);
    await using _second = second.process;
    const client = await makeStoryTable(first.url);
    unwrap(await client.writers({ writer: OTHER_WRITER }).post(STORY_WRITER.secret));
    const limit = client.limits.tables({ family: TABLE.family })({ table: TABLE.table });
    const writer = new Writer({ url: first.url, ...STORY_WRITER });
    const other = new Writer({ url: second.url, ...STORY_WRITER, writer: OTHER_WRITER });
    const sizeOf = async () =>
      unwrap(await client.limits.sizes.get()).tables.find(({ table }) => table === TABLE.table);
    const events = () => receiver.calls.map(({ event }) => event);
    const lines = (text: string) => `${first.process.stderr}${second.process.stderr}`.split(text).length - 1;

    await writer.write(Array.from({ length: 8 }, (_, id) => row(id)));
    await until(() => events().length === 1, { what: "the warning" });
    await writer.write(Array.from({ length: 22 }, (_, i) => row(8 + i)));
    await until(() => events().length === 2, { what: "the table to be full" });
    expect(events()).toEqual(["table.warn", "table.full"]);
    const [, full] = receiver.calls;
    expect(full).toMatchObject({ ...TABLE, warnSize: 150 * KIB, maxSize: 400 * KIB, before: "warn" });
    expect(full?.bytes).toBeGreaterThan(400 * KIB);
    for (const executive of [first, second]) {
      const over = (which: string) =>
        metric(executive, `ctlstore_executive_tables_over_limit{limit="${which}"}`);
      await until(async () => (await over("max")) === 1 && (await over("warn")) === 1, {
        what: "the metrics",
      });
      const bytes = await metric(executive, 'ctlstore_executive_table_bytes{family="story",table="rows"}');
      expect(bytes).toBeGreaterThan(400 * KIB);
    }
    expect(lines("table is over its hard size limit")).toBe(1);

    for (const [each, id] of [
      [writer, 5],
      [other, 7],
    ] as const) {
      expect(await codeOf(each.write([row(100, 1)]))).toBe("table_full");
      expect(await codeOf(each.write([row(100, 1, "ROWS")]))).toBe("table_full");
      expect(await codeOf(each.write([row(id, 20 * KIB)]))).toBe("ok");
      expect(await codeOf(each.write([row(id, 10 * KIB), row(id + 1, 20 * KIB + 1)]))).toBe("ok");
    }
    expect(await codeOf(other.write([{ table: "Rows", delete: true, values: { id: 0 } }]))).toBe("ok");

    unwrap(await limit.post({ "max-size": 4000 * KIB, "warn-size": 3000 * KIB }));
    for (const each of [writer, other]) expect(await codeOf(each.write([row(200)]))).toBe("ok");
    await until(() => events().length === 3, { what: "the end of the warning" });
    unwrap(await limit.delete());
    expect(await codeOf(other.write([row(201)]))).toBe("table_full");
    await until(() => events().length === 4, { what: "the table to be full again" });

    const ids = [...Array.from({ length: 30 }, (_, id) => id), 200];
    await other.write(ids.map((id) => ({ table: TABLE.table, delete: true, values: { id } })));
    await until(async () => (await codeOf(writer.write([row(202, 10)]))) === "ok", {
      what: "room in the table",
      deadlineMs: 60_000,
    });
    await until(() => events().at(-1) === "table.ok", { what: "the last call", deadlineMs: 60_000 });
    expect((await sizeOf())?.state).toBe("ok");
    const told = events().slice(0, 4);
    expect(told).toEqual(["table.warn", "table.full", "table.ok", "table.full"]);
    expect(`${first.process.stderr}${second.process.stderr}`).not.toContain("very-secret");
    expect(`${first.process.stderr}${second.process.stderr}`).not.toContain(SERVICE_ADMIN_TOKEN);
  }, 120_000);
});
