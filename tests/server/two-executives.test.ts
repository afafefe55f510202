/** Operators and writers of one ctldb under two Executives: what one changes holds for the other within a second. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseOperatorName } from "../../core/names.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { type App, createApp } from "../../server/app.ts";
import { testSecret } from "../support/secrets.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { ADMIN, ADMIN_TOKEN, type Answer, type Call, toAnswer } from "./test-app.ts";

/** A clock that goes on when it is told to: a test waits for nothing. */
class SteppedClock implements Clock {
  #nowMs = 1_000;
  readonly nowUs = systemClock.nowUs;
  readonly sleep = systemClock.sleep;
  monotonicMs(): number {
    return this.#nowMs;
  }
  step(ms: number): void {
    this.#nowMs += ms;
  }
}

let folder: TempFolder;
const clock = new SteppedClock();
const ctldbs: CtlDb[] = [];
const apps: App[] = [];

beforeAll(async () => {
  folder = tempFolder("two-executives");
  for (const adminToken of [ADMIN_TOKEN, undefined]) {
    const ctldb = await openCtlDb(`sqlite:${folder.file("ctldb.db")}`, { logger: silentLogger, clock });
    ctldbs.push(ctldb);
    apps.push(createApp({ ctldb, logger: silentLogger, metrics: createMetrics(), clock }, { adminToken }));
  }
});
afterAll(async () => {
  for (const ctldb of ctldbs) await ctldb[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function call(executive: 0 | 1, { method, path, body, headers = ADMIN }: Call): Promise<Answer> {
  const request = new Request(`http://localhost${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const app = apps[executive];
  if (app === undefined) throw new Error("not started");
  return toAnswer(await app.handle(request));
}

const WITHIN_MS = 1_000;
const statusAt = async (executive: 0 | 1, headers: Record<string, string>, path = "/families") =>
  (await call(executive, { method: "GET", path, headers })).status;

test("D22 an operator made or revoked at one Executive is one, or none, at the other within a second", async () => {
  // Nobody is known yet, so the second one, which has no token of its own, is open.
  expect(await statusAt(1, {})).toBe(200);
  const made = await call(0, { method: "POST", path: "/operators/alice", body: '{"role":"schema"}' });
  const alice = { authorization: `Bearer ${(made.json as { token: string }).token}` };
  expect([await statusAt(0, alice), await statusAt(0, {})]).toEqual([200, 401]);
  clock.step(WITHIN_MS);
  expect([await statusAt(1, alice), await statusAt(1, {})]).toEqual([200, 401]);

  await call(0, { method: "DELETE", path: "/operators/alice" });
  expect(await statusAt(0, alice)).toBe(401);
  clock.step(WITHIN_MS);
  expect([await statusAt(1, alice), await statusAt(1, {})]).toEqual([401, 401]);
});

test("R45 a writer revoked or given a new secret at one Executive is so at the other within a second", async () => {
  const [first, second] = [testSecret("first"), testSecret("second")];
  const as = (secret: string) => ({ "ctlstore-writer": "importer", "ctlstore-secret": secret });
  const cookie = (secret: string) => statusAt(1, as(secret), "/cookie");
  await call(0, { method: "POST", path: "/writers/importer", body: first });
  expect([await cookie(first), await cookie(second)]).toEqual([200, 401]);

  await call(0, { method: "POST", path: "/writers/importer/secret?overlap=1h", body: second });
  clock.step(WITHIN_MS);
  expect([await cookie(first), await cookie(second)]).toEqual([200, 200]);

  await call(0, { method: "POST", path: "/writers/importer/secret?overlap=0s", body: testSecret("third") });
  clock.step(WITHIN_MS);
  expect([await cookie(first), await cookie(second), await cookie(testSecret("third"))]).toEqual([
    401, 401, 200,
  ]);

  await call(0, { method: "DELETE", path: "/writers/importer" });
  clock.step(WITHIN_MS);
  expect(await cookie(testSecret("third"))).toBe(401);
});

test("D22 an operator of a role that only a newer version knows may do nothing, and keeps the Executive closed", async () => {
  await using ctldb = await openCtlDb(`sqlite:${folder.file("newer.db")}`, { logger: silentLogger, clock });
  const { token } = await ctldb.operators.create(parseOperatorName("later"), "admin");
  {
    using database = new Database(folder.file("newer.db"));
    database.run("UPDATE ctlstore_operators SET role = 'auditor'");
  }
  const app = createApp({ ctldb, logger: silentLogger, metrics: createMetrics(), clock }, {});
  for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
    const answer = await toAnswer(await app.handle(new Request("http://localhost/families", { headers })));
    expect(answer.status).toBe(401);
  }
});
