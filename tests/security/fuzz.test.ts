/**
 * Random requests made of the live OpenAPI document: none gets an answer of 5xx, ends the Executive, shows a secret, or
 * changes anything without a 200 (D14, D22, R38).
 *
 * `CTLSTORE_TEST_SEED` repeats a run; the deep suite sends over a hundred thousand.
 */
import { describe, expect, test } from "bun:test";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { type ApiOperation, operationsOf } from "./api-document.ts";
import { brokenBytes } from "./broken-bytes.ts";
import { type FuzzAnswer, problemsOf } from "./fuzz-judge.ts";
import { FuzzGenerator, type FuzzKnowledge, type FuzzRequest } from "./fuzz-requests.ts";
import { type FuzzWorld, openFuzzApp, openFuzzService } from "./fuzz-world.ts";
import { rawRequest } from "./raw-http.ts";

const RUNS = {
  app: runsOf({ quick: 2_400, deep: 90_000 }),
  service: runsOf({ quick: 400, deep: 20_000 }),
  bytes: runsOf({ quick: 200, deep: 10_000 }),
};
/** What the HTTP parser answers to a method or a version that it does not know. */
const EXPECTED_OF_BYTES: readonly number[] = [501, 505];
const TIMEOUT_MS = timeoutMsOf({ quick: 60_000, deep: 1_200_000 });

/** What random requests destroy is made again so often. */
const REPAIR_EVERY = 100;

async function operationsAt(world: FuzzWorld): Promise<ApiOperation[]> {
  const { text } = await world.send({
    method: "GET",
    path: "/openapi/json",
    headers: [],
    body: null,
    chunked: false,
  });
  return operationsOf(JSON.parse(text));
}

/** True of what may have changed something: the rest must not have. */
function mayChange({ method, path }: FuzzRequest, { status }: FuzzAnswer): boolean {
  return (
    status === 200 && !["GET", "HEAD", "OPTIONS"].includes(method) && !/[?&]dry-run=true(&|$)/.test(path)
  );
}

function textOf({ method, path, headers, body, chunked }: FuzzRequest): string {
  const shown =
    body === null ? "no body" : JSON.stringify(Buffer.from(body).toString("latin1").slice(0, 2_000));
  const names = headers.map(([name]) => name).join(", ");
  return `${method} ${path.slice(0, 2_000)} (${names}${chunked ? ", chunked" : ""}) ${shown}`;
}

interface Tally {
  readonly statuses: Map<number | null, number>;
  /** Those that were answered 200. */
  readonly operations: Set<string>;
  /** Requests that changed something. */
  changes: number;
}

async function fuzz(world: FuzzWorld, seed: number, requests: number): Promise<Tally> {
  const random = seededRandom(seed);
  const operations = await operationsAt(world);
  const generator = new FuzzGenerator(operations, random);
  const tally: Tally = { statuses: new Map(), operations: new Set(), changes: 0 };
  let known: FuzzKnowledge | null = null;
  for (let i = 0; i < requests; i++) {
    if (known === null || i % REPAIR_EVERY === 0) known = await world.repair(i / REPAIR_EVERY);
    const request = generator.next(known);
    const before = world.watch.state();
    const answer = await world.send(request);
    const problems = problemsOf(request, answer);
    const isChanged = world.watch.state() !== before;
    if (isChanged) tally.changes += 1;
    if (isChanged && !mayChange(request, answer))
      problems.push(`something was changed: from ${before} to ${world.watch.state()}`);
    problems.push(...world.complaints());
    if (problems.length > 0)
      throw new Error(
        `seed ${seed}, request ${i}: ${textOf(request)}\n${answer.status} ${answer.text.slice(0, 2_000)}\n${problems.join("\n")}`,
      );
    tally.statuses.set(answer.status, (tally.statuses.get(answer.status) ?? 0) + 1);
    if (answer.status === 200) tally.operations.add(request.operation.name);
  }
  return tally;
}

function report(what: string, { statuses }: Tally, startedMs: number): void {
  const seconds = (performance.now() - startedMs) / 1000;
  const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  const counts = [...statuses]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([status, count]) => `${status}: ${count}`);
  console.log(
    `${total} random requests ${what} in ${seconds.toFixed(1)} s (${Math.round(total / seconds)}/s): ${counts.join(", ")}`,
  );
}

describe("random requests", () => {
  test(
    "D14 D22 R38 get no 5xx, show no secret, and change nothing without a 200 when the app is asked itself",
    async () => {
      await using world = await openFuzzApp();
      const startedMs = performance.now();
      const tally = await fuzz(world, suiteSeed(), RUNS.app);
      report("to the app", tally, startedMs);
      expect(tally.changes).toBeGreaterThan(RUNS.app / 20);
      // Else the test would hold for an Executive that refuses everything. Chance may miss a few.
      const operations = await operationsAt(world);
      expect(tally.operations.size).toBeGreaterThan(operations.length * 0.8);
    },
    TIMEOUT_MS,
  );

  test(
    "D14 D22 R38 do not end an Executive, nor change it without a 200, when they come over the wire",
    async () => {
      await using world = await openFuzzService();
      const startedMs = performance.now();
      report("over the wire", await fuzz(world, suiteSeed() + 1, RUNS.service), startedMs);
    },
    TIMEOUT_MS,
  );

  test(
    "D14 R38 do not end an Executive, nor change it without a 200, when their bytes are broken",
    async () => {
      await using world = await openFuzzService();
      const seed = suiteSeed() + 2;
      const random = seededRandom(seed);
      const generator = new FuzzGenerator(await operationsAt(world), random);
      const known = await world.repair(0);
      for (let i = 0; i < RUNS.bytes; i++) {
        const request = generator.next(known);
        const { what, bytes } = brokenBytes(request, random);
        const before = world.watch.state();
        const answer = await rawRequest(world.url, bytes, { halfClose: true });
        const problems = world.complaints();
        if (answer.status !== 200 && world.watch.state() !== before) problems.push("something was changed");
        if (answer.status !== null && answer.status >= 500 && !EXPECTED_OF_BYTES.includes(answer.status))
          problems.push("5xx");
        if (problems.length > 0)
          throw new Error(
            `seed ${seed}, request ${i} (${what}): ${textOf(request)}\n${answer.text.slice(0, 2_000)}\n${problems.join("\n")}`,
          );
      }
      expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
    },
    TIMEOUT_MS,
  );
});
