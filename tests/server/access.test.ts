/** D22: every operation of the API with every kind of credentials, right and wrong: the right answer, and no change without it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ROLES, roleAllows } from "../../core/roles.ts";
import { type Access, accessOf, LISTED_ROUTES } from "../../server/access/route-access.ts";
import { SECRET_MARKER, testSecret } from "../support/secrets.ts";
import { type AccessWorld, type Headers, openAccessWorld, writerHeaders } from "./access-world.ts";
import { routeSamples, type Sample } from "./route-samples.ts";
import { ADMIN, ADMIN_TOKEN, type Answer, WRITER } from "./test-app.ts";

let world: AccessWorld;
beforeAll(async () => {
  world = await openAccessWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

interface Operation {
  readonly name: string;
  readonly sample: Sample;
  readonly access: Access;
}

/** All operations of the OpenAPI document, each with a request that would succeed, in the order of the samples. */
async function operations(own: string): Promise<Operation[]> {
  const { json } = await world.app.call({ method: "GET", path: "/openapi/json", headers: {} });
  const { paths } = json as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const samples = routeSamples(own);
  expect([...samples.keys()].toSorted()).toEqual(described.toSorted());
  return [...samples].map(([name, sample]) => {
    const [method = "", path = ""] = name.replace(/\{(\w+)\}/g, ":$1").split(" ");
    return { name, sample, access: accessOf(method, path) };
  });
}

async function send({ sample }: Operation, headers: Headers): Promise<Answer> {
  return world.app.call({ ...sample, headers: { ...headers } });
}

/** Sends each operation and compares status and code; whatever is refused must leave the ctldb as it was. */
async function expectRefusals(
  sent: readonly Operation[],
  callers: Readonly<Record<string, Headers>>,
  expected: { readonly status: number; readonly code: string },
): Promise<void> {
  const before = world.contents();
  for (const operation of sent) {
    for (const [caller, headers] of Object.entries(callers)) {
      const { status, code, text, headers: sentBack } = await send(operation, headers);
      expect({ operation: operation.name, caller, status, code }).toEqual({
        operation: operation.name,
        caller,
        ...expected,
      });
      if (status === 401) expect(sentBack.get("www-authenticate")).toBe("Bearer");
      expect(text).not.toContain(SECRET_MARKER);
      expect(text).not.toContain("ctl_");
      expect(text).not.toContain(ADMIN_TOKEN);
    }
  }
  expect(world.contents()).toBe(before);
}

/** Sends each operation; one that changes something must have made an entry of the audit trail, of this actor. */
async function expectSuccesses(sent: readonly Operation[], headers: Headers, actor: string): Promise<void> {
  for (const operation of sent) {
    const { name, sample } = operation;
    const before = auditTrail();
    const { status, text } = await send(operation, headers);
    expect({ name, status, text: status === 200 ? "" : text }).toEqual({ name, status: 200, text: "" });
    const added = auditTrail().slice(before.length);
    expect({ name, added }).toEqual({ name, added: sample.method === "GET" ? [] : [actor] });
  }
}

/** The actor of each entry, the oldest first. */
function auditTrail(): unknown[] {
  const rows = world.app.rows("SELECT actor FROM ctlstore_audit ORDER BY id") as { actor: unknown }[];
  return rows.map(({ actor }) => actor);
}

const isForOperators = ({ access }: Operation) => access !== "open" && access !== "writer";
const UNAUTHORIZED = { status: 401, code: "bad_credentials" };
const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const SECRET = WRITER["ctlstore-secret"];
const tokenOf = (headers: Headers): string => (headers["authorization"] ?? "").replace("Bearer ", "");

describe("an operation for operators", () => {
  test("D22 is refused with 401 and changes nothing without a token that is valid", async () => {
    const token = tokenOf(world.operators.admin);
    const callers = {
      nobody: {},
      "a wrong token": bearer("wrong"),
      "an empty token": { authorization: "Bearer " },
      "a token that was never given": bearer(`ctl_${"A".repeat(43)}`),
      "a token with one character more": bearer(`${token}A`),
      "a token with one character less": bearer(token.slice(0, -1)),
      "a token in another case": bearer(token.toUpperCase()),
      "another scheme": { authorization: `Basic ${token}` },
      "no scheme": { authorization: token },
      "two tokens": { authorization: `Bearer ${token}, Bearer ${ADMIN_TOKEN}` },
      "a revoked operator": world.revokedOperator,
      "a writer": world.writer,
      "a writer's secret as a token": bearer(SECRET),
    };
    const closed = (await operations("nobody")).filter(isForOperators);
    expect(closed.length).toBeGreaterThan(30);
    await expectRefusals(closed, callers, UNAUTHORIZED);
  });

  for (const role of ROLES) {
    test(`D22 is refused with 403 and changes nothing when it asks for more than role ${role} allows`, async () => {
      const beyond = (await operations("refused")).filter(
        ({ access }) => access !== "open" && access !== "writer" && !roleAllows(role, access),
      );
      expect(beyond.length > 0).toBe(role !== "admin");
      await expectRefusals(beyond, { [role]: world.operators[role] }, { status: 403, code: "not_granted" });
    });

    test(`D22 succeeds when role ${role} allows it, and the audit trail names whoever changed something`, async () => {
      const allowed = (await operations(role)).filter(
        ({ access }) => access !== "open" && access !== "writer" && roleAllows(role, access),
      );
      await expectSuccesses(allowed, world.operators[role], `an-${role}`);
    });
  }

  test("succeeds with the Executive's own admin token, which the audit trail calls admin-token", async () => {
    await expectSuccesses((await operations("own")).filter(isForOperators), ADMIN, "admin-token");
  });
});

describe("an operation for writers", () => {
  test("D22 is refused with 401 and changes nothing without the secret of a valid writer", async () => {
    const sent = (await operations("writer")).filter(({ access }) => access === "writer");
    expect(sent.length).toBe(3);
    const callers = {
      nobody: {},
      "an operator": world.operators.admin,
      "a wrong secret": writerHeaders("importer", testSecret("another")),
      "a secret that begins like the right one": writerHeaders("importer", SECRET.slice(0, -1)),
      "an empty secret": writerHeaders("importer", ""),
      "an unknown writer": writerHeaders("nobody", SECRET),
      "a revoked writer": world.revokedWriter,
      "what stands for the secret of a revoked writer": writerHeaders("former", "!"),
      "a name in another case": writerHeaders("IMPORTER", SECRET),
      "a name with white space that a column would ignore": writerHeaders("importer\u00a0", SECRET),
      "a name alone": { "ctlstore-writer": "importer" },
      "a secret alone": { "ctlstore-secret": SECRET },
    };
    await expectRefusals(sent, callers, UNAUTHORIZED);
  });

  test("D22 is refused with 403 and changes nothing when the family was not granted", async () => {
    const sent = (await operations("family")).filter(({ name }) => name.endsWith("/mutations"));
    await expectRefusals(sent, { writer: world.otherFamilysWriter }, { status: 403, code: "not_granted" });
  });

  test("succeeds with the writer's secret", async () => {
    for (const operation of await operations("right")) {
      if (operation.access !== "writer") continue;
      expect((await send(operation, world.writer)).status).toBe(200);
    }
  });
});

test("an open operation succeeds for everybody", async () => {
  for (const operation of await operations("open")) {
    if (operation.access !== "open") continue;
    for (const headers of [{}, bearer("wrong"), world.writer, { origin: "https://example.com" }]) {
      expect((await send(operation, headers)).status).toBe(200);
    }
  }
});

/** The design in a few rules, beside the table that the front door keeps. */
function designedAccess(method: string, path: string): Access {
  if (/^\/(healthz|readyz|metrics)$/.test(path)) return "open";
  if (path === "/cookie" || path.endsWith("/mutations")) return "writer";
  if (/^\/(operators|audit)/.test(path)) return "admin";
  if (method === "GET") return "read";
  if (path.includes("/readers")) return "schema";
  if (path === "/writers/{writer}" && method === "POST") return "register";
  const changesSchema = /^\/(families|tables)/.test(path) && method !== "DELETE";
  return changesSchema ? "schema" : "admin";
}

test("D22 each operation asks for what the design says: what destroys, limits or lets in is for admins", async () => {
  const all = await operations("design");
  const designed = all.map(({ name }) => {
    const [method = "", path = ""] = name.split(" ");
    return { name, access: designedAccess(method, path) };
  });
  expect(all.map(({ name, access }) => ({ name, access }))).toEqual(designed);
});

test("D22 every route of the table of access exists, and no route is open that is not meant to be", async () => {
  const existing = world.app.app.routes.map(({ method, path }) => `${method} ${path}`);
  expect(existing).toEqual(expect.arrayContaining([...LISTED_ROUTES]));
  const open = existing.filter((route) => {
    const [method = "", path = ""] = route.split(" ");
    return accessOf(method, path) === "open";
  });
  expect(open.toSorted()).toEqual([
    "GET /healthz",
    "GET /metrics",
    "GET /openapi",
    "GET /openapi/json",
    "GET /readyz",
  ]);
});
