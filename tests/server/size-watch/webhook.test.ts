/** Calls of the webhook against a receiver that fails in every way that it can. */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../core/process/clock.ts";
import { Webhook, type WebhookLimits } from "../../../server/size-watch/webhook.ts";
import { recordingLogger } from "../../reflector/readiness/recording-logger.ts";
import { freePort } from "../../support/free-port.ts";
import { listenPlainly } from "../../support/http-server.ts";
import { findingsIn } from "../../support/leaks.ts";
import { testSecret } from "../../support/secrets.ts";
import { until } from "../../support/until.ts";

const LIMITS: WebhookLimits = { timeoutMs: 30_000, attempts: 4, backoffMs: { base: 1, max: 4 }, queued: 3 };
const SECRET_PATH = `/hooks/${testSecret("path")}?token=${testSecret("query")}`;

type Answer = number | "silent" | "redirect" | "endless";

function startReceiver(...answers: Answer[]) {
  const bodies: unknown[] = [];
  const server = listenPlainly("127.0.0.1:0", async (request) => {
    bodies.push(await request.json());
    const answer = answers.shift() ?? 200;
    if (answer === "silent") return new Promise<Response>(() => {});
    if (answer === "redirect") return Response.redirect("http://127.0.0.1:1/elsewhere", 307);
    if (answer === "endless") return new Response(new ReadableStream({ start: (to) => to.enqueue("x") }));
    return new Response("", { status: answer });
  });
  return {
    bodies,
    url: `${server.url}${SECRET_PATH}`,
    [Symbol.asyncDispose]: async () => void (await server.stop(true)),
  };
}

function startWebhook(url: string, limits: WebhookLimits = LIMITS) {
  const { logger, lines } = recordingLogger();
  let failures = 0;
  const deps = {
    clock: systemClock,
    logger,
    onFailure: () => {
      failures += 1;
    },
  };
  const webhook = new Webhook(url, deps, limits);
  return { webhook, lines, failures: () => failures };
}

describe("the webhook", () => {
  test("gets each call once and in order when it answers", async () => {
    await using receiver = startReceiver();
    const { webhook, lines, failures } = startWebhook(receiver.url);
    for (const n of [1, 2, 3]) webhook.send({ n });
    await until(() => receiver.bodies.length === 3, { what: "three calls" });
    await webhook.stop();
    expect(receiver.bodies).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect({ lines, failures: failures() }).toEqual({ lines: [], failures: 0 });
  });

  test("is tried again when it is in trouble, and the next call waits for its turn", async () => {
    await using receiver = startReceiver(500, "silent", 429, 204, 200);
    const { webhook, lines, failures } = startWebhook(receiver.url, { ...LIMITS, timeoutMs: 1_000 });
    webhook.send("first");
    webhook.send("second");
    await until(() => receiver.bodies.length === 5, { what: "five calls" });
    await webhook.stop();
    expect(receiver.bodies).toEqual(["first", "first", "first", "first", "second"]);
    expect(lines.map(({ level, fields }) => [level, fields["reason"]])).toEqual([
      ["warn", "it answered 500"],
      ["warn", "it did not answer in time"],
      ["warn", "it answered 429"],
    ]);
    expect(failures()).toBe(3);
  });

  test("is given up after the last attempt, or at once when trying again cannot help", async () => {
    await using receiver = startReceiver(503, 503, 503, 503, 404, "redirect", 200);
    const { webhook, lines } = startWebhook(receiver.url);
    for (const n of [1, 2, 3]) webhook.send(n);
    await until(() => receiver.bodies.length === 6, { what: "six calls" });
    webhook.send(4);
    await until(() => receiver.bodies.length === 7, { what: "the last call" });
    await webhook.stop();
    expect(receiver.bodies).toEqual([1, 1, 1, 1, 2, 3, 4]);
    const givenUp = lines.filter(({ level }) => level === "error").map(({ fields }) => fields["reason"]);
    expect(givenUp).toEqual(["it answered 503", "it answered 404", "it answered 307"]);
  });

  test("does not read an answer that never ends", async () => {
    await using receiver = startReceiver("endless", 200);
    const { webhook } = startWebhook(receiver.url);
    webhook.send(1);
    webhook.send(2);
    await until(() => receiver.bodies.length === 2, { what: "both calls" });
    await webhook.stop();
  });

  test("loses its oldest call when too many wait, and says so", async () => {
    await using receiver = startReceiver("silent");
    const { webhook, lines, failures } = startWebhook(receiver.url, { ...LIMITS, timeoutMs: 60_000 });
    webhook.send(0);
    await until(() => receiver.bodies.length === 1, { what: "the first call" });
    for (const n of [1, 2, 3, 4, 5]) webhook.send(n);
    expect(failures()).toBe(2);
    expect(lines.map(({ message }) => message)).toEqual(
      Array.from({ length: 2 }, () => "webhook is too slow: a call was given up"),
    );
    await webhook.stop();
  });

  test("ends at once when the Executive stops, also in the middle of a call or a pause", async () => {
    await using receiver = startReceiver("silent");
    const silent = startWebhook(receiver.url, { ...LIMITS, timeoutMs: 600_000 });
    silent.webhook.send(1);
    await until(() => receiver.bodies.length === 1, { what: "the call" });
    await silent.webhook.stop();
    const away = startWebhook(`http://127.0.0.1:${await freePort()}/`, {
      ...LIMITS,
      backoffMs: { base: 600_000, max: 600_000 },
    });
    away.webhook.send(1);
    await until(() => away.lines.length === 1, { what: "the first failure" });
    await away.webhook.stop();
    away.webhook.send(2);
    expect(away.lines.map(({ level }) => level)).toEqual(["warn"]);
  });

  test("is named by its origin alone, whatever goes wrong (R45)", async () => {
    const port = await freePort();
    const { webhook, lines } = startWebhook(`http://127.0.0.1:${port}${SECRET_PATH}`);
    webhook.send(1);
    await until(() => lines.some(({ level }) => level === "error"), { what: "the call to be given up" });
    await webhook.stop();
    const said = JSON.stringify(lines);
    expect(said).toContain(`http://127.0.0.1:${port}`);
    expect(findingsIn(said)).toEqual([]);
  });
});
