/**
 * D22 Walks the live OpenAPI document of real Executives: every operation, asked for by everybody who may not, is refused
 * with exactly the right status, and changes nothing anywhere. A route that is added is in the walk with its first day.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SERVICE_ADMIN_TOKEN } from "../support/services.ts";
import { until } from "../support/until.ts";
import { type ApiOperation, fetchOperations, filledPath } from "./api-document.ts";
import { MEANT_ACCESS } from "./meant-access.ts";
import { rawRequest } from "./raw-http.ts";
import { bodyOf, disguisesOf, refusalsOf } from "./walk-requests.ts";
import { headersOf, openWalkWorld, PARAMETERS, type WalkWorld, WRITERS } from "./walk-world.ts";

let world: WalkWorld;
let operations: readonly ApiOperation[] = [];

beforeAll(async () => {
  world = await openWalkWorld();
  operations = await fetchOperations(world.executives[0].url);
  await untilKnown(world);
}, 90_000);

afterAll(() => world[Symbol.asyncDispose]());

/** Operators are looked up in memory, which is half a second old at most. */
async function untilKnown({ executives, tokens, revokedToken }: WalkWorld): Promise<void> {
  const whoami = async (url: string, token: string) =>
    (await fetch(`${url}/whoami`, { headers: { authorization: `Bearer ${token}` } })).status;
  for (const { url } of executives) {
    for (const token of Object.values(tokens))
      await until(async () => (await whoami(url, token)) === 200, { what: "a new operator" });
    await until(async () => (await whoami(url, revokedToken)) === 401, { what: "a revocation" });
  }
}

async function ask(
  url: string,
  operation: ApiOperation,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const body = bodyOf(operation);
  return fetch(`${url}${filledPath(operation.path, PARAMETERS)}`, {
    method: operation.method,
    headers: { ...headers },
    ...(body === null ? {} : { body }),
  });
}

test("D22 both Executives have the same document, and each operation asks for what is meant", async () => {
  expect(await fetchOperations(world.executives[1].url)).toEqual([...operations]);
  expect(Object.fromEntries(operations.map(({ name, access }) => [name, access]))).toEqual(MEANT_ACCESS);
});

test("D22 every operation refuses everybody who may not use it, on each Executive, and changes nothing", async () => {
  const before = await world.digest();
  for (const operation of operations) {
    for (const { url } of world.executives) {
      const refusals = refusalsOf(operation, world);
      const seen = await Promise.all(
        refusals.map(async ({ who, headers }) => {
          const answer = await ask(url, operation, headers);
          const { error } = (await answer.json()) as { error: { code: string } };
          return { who, status: answer.status, code: error.code };
        }),
      );
      const wanted = refusals.map(({ who, status }) => ({
        who,
        status,
        code: status === 401 ? "bad_credentials" : "not_granted",
      }));
      expect({ operation: operation.name, seen }).toEqual({ operation: operation.name, seen: wanted });
    }
    expect({ operation: operation.name, digest: await world.digest() }).toEqual({
      operation: operation.name,
      digest: before,
    });
  }
}, 120_000);

describe.each(["nobody", "an operator of the lowest role"])("D22 no disguise of a request of %s", (who) => {
  test("opens an operation to it", async () => {
    const before = await world.digest();
    const isKnown = who !== "nobody";
    const credentials = isKnown ? `authorization: Bearer ${world.tokens.read}` : null;
    const closed = operations.filter(({ access }) => access !== "open" && !(isKnown && access === "read"));
    for (const [i, operation] of closed.entries()) {
      const url = (world.executives[i % 2] ?? world.executives[0]).url;
      await Promise.all(
        disguisesOf(operation, credentials).map(async ({ what, bytes }) => {
          const { status, text } = await rawRequest(url, bytes);
          if (isHarmless(status) || isOpenAnswer(text)) return;
          throw new Error(`${operation.name} disguised (${what}) is answered:\n${text}`);
        }),
      );
      expect({ operation: operation.name, digest: await world.digest() }).toEqual({
        operation: operation.name,
        digest: before,
      });
    }
  }, 120_000);
});

/** Refused, not understood, or only told which methods there are. */
function isHarmless(status: number | null): boolean {
  return status === null || (status >= 400 && status < 500) || [204, 501, 505].includes(status);
}

/** What the health route says, which some disguises ask for. */
function isOpenAnswer(text: string): boolean {
  return text.endsWith("\r\n\r\nok\n") || (/^HTTP\/1\.1 200/.test(text) && text.endsWith("\r\n\r\n"));
}

describe("the same operations", () => {
  test("D22 are open to who may use them: the walk's refusals have no other reason", async () => {
    const url = world.executives[0].url;
    const rank = ({ method, access }: ApiOperation) =>
      access === "writer" ? 0 : ["GET", "PUT", "POST", "DELETE"].indexOf(method) + 1;
    for (const operation of operations.toSorted((a, b) => rank(a) - rank(b))) {
      const headers =
        operation.access === "writer"
          ? headersOf(WRITERS.granted)
          : { authorization: `Bearer ${SERVICE_ADMIN_TOKEN}` };
      const answer = await ask(url, operation, headers);
      const text = await answer.text();
      expect({ operation: operation.name, text, refused: [401, 403].includes(answer.status) }).toEqual({
        operation: operation.name,
        text,
        refused: false,
      });
      expect(answer.status).toBeLessThan(500);
    }
  }, 60_000);
});

test("R45 nothing that the Executives wrote or measured holds a token or a secret", async () => {
  const secrets = [
    SERVICE_ADMIN_TOKEN,
    ...Object.values(world.tokens),
    world.revokedToken,
    ...Object.values(WRITERS).map(({ secret }) => secret),
  ];
  for (const { url, process } of world.executives) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    // It was counted that somebody was refused: so these are the right metrics.
    expect(metrics).toMatch(/ctlstore_executive_unauthorized_total\{kind="operator"\} [1-9]/);
    const said = `${process.stdout}${process.stderr}${metrics}`;
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
  }
});
