/** Wrong credentials: counted one by one, logged at a bounded rate, never with what was sent, and without a query each (R34). */
import { expect, test } from "bun:test";
import type { Clock } from "../../core/process/clock.ts";
import { systemClock } from "../../core/process/clock.ts";
import { type Logger, silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { createRefusals, UNAUTHORIZED_TOTAL } from "../../server/access/refusals.ts";
import { testSecret } from "../support/secrets.ts";
import { ADMIN, openTestApp, WRITER } from "./test-app.ts";

interface Line {
  readonly fields: unknown;
  readonly message: unknown;
}

function recordingLogger(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const note = (fields: unknown, message?: unknown) => void lines.push({ fields, message });
  const logger: Logger = { ...silentLogger, warn: note, error: note, info: note, child: () => logger };
  return { logger, lines };
}

test("a flood of wrong credentials is counted whole and logged once for each kind", async () => {
  const { logger, lines } = recordingLogger();
  await using app = await openTestApp({ logger });
  lines.length = 0;
  const wrong = testSecret("guess");
  const flood = 200;
  for (let i = 0; i < flood; i += 1) {
    const operator = { authorization: `Bearer ${wrong}${i}` };
    expect((await app.call({ method: "GET", path: "/families", headers: operator })).status).toBe(401);
    const writer = { ...WRITER, "ctlstore-secret": `${wrong}${i}` };
    expect((await app.call({ method: "GET", path: "/cookie", headers: writer })).status).toBe(401);
  }
  const metrics = (await app.call({ method: "GET", path: "/metrics", headers: {} })).text;
  for (const kind of ["operator", "writer"])
    expect(metrics).toContain(`${UNAUTHORIZED_TOTAL}{kind="${kind}"} ${flood}`);
  expect(lines.length).toBe(2);
  expect(lines.map(({ fields }) => fields)).toEqual([
    { kind: "operator", route: "/families", requests: 1 },
    { kind: "writer", route: "/cookie", requests: 1 },
  ]);
});

test("the next line says how many requests there were since the last one", () => {
  const { logger, lines } = recordingLogger();
  let nowMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const refusals = createRefusals({ clock, logger, metrics: createMetrics() });
  for (let i = 0; i < 5; i += 1) refusals.note("writer", "/cookie");
  nowMs += 10_000;
  refusals.note("writer", "/cookie");
  expect(lines.map(({ fields }) => (fields as { requests: number }).requests)).toEqual([1, 5]);
});

test("the count is there at zero before anything was refused", async () => {
  await using app = await openTestApp();
  const { text } = await app.call({ method: "GET", path: "/metrics", headers: {} });
  for (const kind of ["operator", "writer"])
    expect(text).toContain(`${UNAUTHORIZED_TOTAL}{kind="${kind}"} 0`);
});

test("every answer tells caches to keep nothing, and browsers to take it for what it says", async () => {
  await using app = await openTestApp();
  for (const [method, path, headers] of [
    ["GET", "/families", ADMIN],
    ["HEAD", "/families", ADMIN],
    ["OPTIONS", "/families", {}],
    ["GET", "/families", {}],
    ["GET", "/nowhere", ADMIN],
    ["PATCH", "/cookie", {}],
    ["GET", "/cookie", WRITER],
    ["GET", "/metrics", {}],
    ["GET", "/openapi", {}],
    ["POST", "/families/1", ADMIN],
    ["POST", "/operators/alice", ADMIN],
  ] as const) {
    const answer = await app.call({
      method,
      path,
      headers,
      ...(path.startsWith("/op") && method === "POST" ? { body: '{"role":"read"}' } : {}),
    });
    const sent = ["x-content-type-options", "cache-control"].map((name) => answer.headers.get(name));
    expect([method, path, ...sent]).toEqual([method, path, "nosniff", "no-store"]);
  }
});
