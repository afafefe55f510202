/** I13: answers that nobody reads are counted, refused beyond the budget, and forgotten when they were sent or their client went. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { createMetrics } from "../../core/process/metrics.ts";
import { AnswerBudget } from "../../server/answer-budget.ts";
import { type RunningExecutive, startExecutive } from "../../server/executive.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { ADMIN, ADMIN_TOKEN, type Answer, openTestApp, type TestApp, toAnswer } from "./test-app.ts";

const MIB = 1024 * 1024;
const ROWS = 20;
const NOTE = "x".repeat(500_000);

const answers = new AnswerBudget(20 * MIB);
const folder = tempFolder("answers");
/** A unix socket takes a fifth of a megabyte that nobody reads; TCP takes megabytes, as the host is set up. */
const unix = folder.file("socket");
let app: TestApp;
let executive: RunningExecutive;
beforeAll(async () => {
  app = await openTestApp();
  executive = await startExecutive(
    { ...app.deps, metrics: createMetrics() },
    { bind: `unix:${unix}`, adminToken: ADMIN_TOKEN, limits: { answers } },
  );
  for (let i = 0; i < ROWS; i++) {
    const { status, text } = await app.mutate({
      mutations: [{ table: "item", values: { name: `n${i}`, note: NOTE } }],
    });
    if (status !== 200) throw new Error(text);
  }
});
afterAll(async () => {
  await executive.stop();
  await app[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const ITEMS = "/families/shop/tables/item/rows";

/** Asks for a page and takes none of it. */
function askUnread(path = ITEMS): Socket {
  const socket = connect(unix, () => {
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${ADMIN.authorization}\r\n\r\n`);
  });
  socket.on("error", () => {});
  return socket;
}

/** Takes the whole answer. */
async function ask(path: string, method = "GET"): Promise<Answer> {
  return toAnswer(await fetch(`http://localhost${path}`, { unix, method, headers: ADMIN }));
}

const nothingHeld = () => until(() => answers.held === 0, { what: "every answer to be forgotten" });

test("I13 pages that nobody reads are refused beyond the budget, and their room is free when the clients go", async () => {
  const sockets: Socket[] = [];
  try {
    const refused = async () => {
      sockets.push(askUnread());
      const { status } = await ask(`${ITEMS}?limit=9`);
      return status === 503;
    };
    await until(refused, { what: "an answer too many" });
    expect(answers.held).toBeGreaterThan(10 * MIB);
    expect(answers.held).toBeLessThanOrEqual(20 * MIB);
    expect((await ask("/metrics")).text).toContain(`\nctlstore_executive_answer_bytes ${answers.held}\n`);
    const answer = await ask(`${ITEMS}?limit=10`);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(answer.code).toBe("overloaded");
    // What is small is answered all the same, and so is what is no page at all.
    for (const path of [`${ITEMS}?limit=1&fields=key`, "/ledger?limit=1", "/status", "/healthz"])
      expect([path, (await ask(path)).status]).toEqual([path, 200]);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await nothingHeld();
  expect((await ask(`${ITEMS}?limit=10`)).status).toBe(200);
});

test("a page that is read comes whole, and its room is free when it was sent", async () => {
  await nothingHeld();
  const page = (await ask(`${ITEMS}?limit=8`)).json as {
    rows: { note: string }[];
  };
  expect(page.rows.length).toBeGreaterThan(3);
  expect(page.rows.every(({ note }) => note === NOTE)).toBe(true);
  await nothingHeld();
});

test("a HEAD of a large page holds nothing", async () => {
  await nothingHeld();
  const answer = await ask(ITEMS, "HEAD");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "application/json;charset=utf-8",
  ]);
  expect(answers.held).toBe(0);
});

test("a client that goes before its answer is there leaves nothing behind", async () => {
  await nothingHeld();
  for (let i = 0; i < 10; i++) {
    const socket = askUnread(`${ITEMS}?limit=9`);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
  }
  await until(async () => (await ask("/healthz")).status === 200, { what: "an answer" });
  await nothingHeld();
});
