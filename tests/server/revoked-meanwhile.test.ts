/** D22, R45: whose token is taken away while the body of its request is on the way changes nothing any more. */
import { expect, test } from "bun:test";
import { until } from "../support/until.ts";
import { openAccessWorld } from "./access-world.ts";
import { ADMIN, openTestApp, type TestApp, toAnswer } from "./test-app.ts";

/** Routes that take a body, and what it would be; nothing that is there already, so that all of them would change something. */
const BODIES: readonly (readonly [method: string, path: string, body: string])[] = [
  ["POST", "/operators/accomplice", '{"role":"admin"}'],
  ["POST", "/writers/accomplice", "a secret of an accomplice"],
  ["POST", "/writers/importer/secret", "a secret of an accomplice"],
  ["PUT", "/writers/elsewhere/grants", '{"families":null}'],
  ["POST", "/tables", '[{"family":"shop","name":"more","fields":[["id","integer"]],"keyFields":["id"]}]'],
  ["POST", "/families/shop/tables/more", '{"fields":[["id","integer"]],"keyFields":["id"]}'],
  ["PUT", "/families/shop/tables/item", '{"fields":[["more","text"]]}'],
  ["PUT", "/families/shop/tables/item/readers/accomplice", "{}"],
  ["POST", "/limits/tables/shop/item", '{"max-size":1,"warn-size":1}'],
  ["POST", "/limits/writers/importer", '{"amount":1,"period":"1m"}'],
  ["POST", "/limits/fleet", '{"amount":1,"period":"1m"}'],
];

interface SlowCall {
  /** The body was asked for: the request has passed the door. */
  readonly isUnderWay: () => boolean;
  finish(): Promise<{ readonly status: number; readonly code: string | null }>;
}

function slowCall(
  { app }: TestApp,
  [method, path, body]: (typeof BODIES)[number],
  headers: Record<string, string>,
): SlowCall {
  let underWay = false;
  const gate = Promise.withResolvers<void>();
  const source = {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      underWay = true;
      await gate.promise;
      controller.enqueue(new TextEncoder().encode(body));
      controller.close();
    },
  };
  // It is asked for nothing before somebody reads.
  const stream = new ReadableStream(source, { highWaterMark: 0 });
  const request = new Request(`http://localhost${path}`, { method, headers, body: stream });
  const answer = Promise.resolve(app.handle(request)).then(toAnswer);
  return {
    isUnderWay: () => underWay,
    finish: async () => {
      gate.resolve();
      const { status, code } = await answer;
      return { status, code };
    },
  };
}

test("an operator changes nothing when it was revoked while its body was on the way", async () => {
  await using world = await openAccessWorld();
  const headers = { ...world.operators.admin };
  const calls = BODIES.map((one) => slowCall(world.app, one, headers));
  await until(() => calls.every(({ isUnderWay }) => isUnderWay()), { what: "the requests to be let in" });
  const revoked = await world.app.call({ method: "DELETE", path: "/operators/an-admin", headers: ADMIN });
  expect(revoked.status).toBe(200);
  const before = world.contents();
  const answers = await Promise.all(calls.map((call) => call.finish()));
  expect(answers).toEqual(BODIES.map(() => ({ status: 401, code: "bad_credentials" })));
  expect(world.contents()).toBe(before);
});

test("nobody in particular changes anything when the first operator was made while the body was on the way", async () => {
  await using app = await openTestApp({ adminToken: undefined });
  const call = slowCall(app, ["POST", "/operators/second", '{"role":"admin"}'], {});
  await until(() => call.isUnderWay(), { what: "the request to be let in" });
  const first = { method: "POST", path: "/operators/first", body: '{"role":"admin"}', headers: {} };
  expect((await app.call(first)).status).toBe(200);
  expect(await call.finish()).toEqual({ status: 401, code: "bad_credentials" });
  expect(await app.ctldb.operators.list()).toHaveLength(1);
});
