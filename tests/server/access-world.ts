/** An Executive's app with an operator of each role, revoked ones, and writers of every kind. */
import { createHash } from "node:crypto";
import { ROLES, type Role } from "../../core/roles.ts";
import { testSecret } from "../support/secrets.ts";
import { ADMIN, type Call, openTestApp, type TestApp, type TestAppOptions, WRITER } from "./test-app.ts";

export type Headers = Readonly<Record<string, string>>;

export interface AccessWorld extends AsyncDisposable {
  readonly app: TestApp;
  /** Headers with the token of an operator of each role. */
  readonly operators: Readonly<Record<Role, Headers>>;
  /** Headers of an operator who was revoked. */
  readonly revokedOperator: Headers;
  readonly writer: Headers;
  readonly revokedWriter: Headers;
  /** May write family `other` and no other. */
  readonly otherFamilysWriter: Headers;
  /** Everything that the ctldb holds, as one digest. */
  contents(): string;
}

const SECRET = testSecret("others");

export const writerHeaders = (writer: string, secret: string): Headers => ({
  "ctlstore-writer": writer,
  "ctlstore-secret": secret,
});

export async function openAccessWorld(options: TestAppOptions = {}): Promise<AccessWorld> {
  const app = await openTestApp({ destructiveSchemaChanges: true, ...options });
  const expectOk = async (call: Call) => {
    const answer = await app.call({ headers: ADMIN, ...call });
    if (answer.status !== 200)
      throw new Error(`${call.method} ${call.path}: ${answer.status} ${answer.text}`);
    return answer.json;
  };
  const newOperator = async (name: string, role: Role): Promise<Headers> => {
    const made = await expectOk({
      method: "POST",
      path: `/operators/${name}`,
      body: JSON.stringify({ role }),
    });
    return { authorization: `Bearer ${(made as { token: string }).token}` };
  };
  const [read, loader, schema, admin] = await Promise.all(
    ROLES.map((role) => newOperator(`an-${role}`, role)),
  );
  const revokedOperator = await newOperator("a-former-admin", "admin");
  await expectOk({ method: "DELETE", path: "/operators/a-former-admin" });
  for (const writer of ["former", "elsewhere"]) {
    await expectOk({ method: "POST", path: `/writers/${writer}`, body: SECRET });
  }
  await expectOk({ method: "DELETE", path: "/writers/former" });
  await expectOk({ method: "POST", path: "/families/other" });
  await expectOk({ method: "PUT", path: "/writers/elsewhere/grants", body: '{"families":["other"]}' });
  // A row that no sample deletes.
  await expectOk({
    method: "POST",
    path: "/families/other/tables/kept",
    body: '{"fields":[["id","integer"]],"keyFields":["id"]}',
  });
  await expectOk({
    method: "POST",
    path: "/families/other/mutations",
    body: '{"mutations":[{"table":"kept","values":{"id":1}}]}',
    headers: writerHeaders("elsewhere", SECRET),
  });
  if (read === undefined || loader === undefined || schema === undefined || admin === undefined)
    throw new Error("there is a role without an operator");
  return {
    app,
    operators: { read, loader, schema, admin },
    revokedOperator,
    writer: WRITER,
    revokedWriter: writerHeaders("former", SECRET),
    otherFamilysWriter: writerHeaders("elsewhere", SECRET),
    contents: () => contentsOf(app),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

function contentsOf(app: TestApp): string {
  const schema = app.rows("SELECT name, sql FROM sqlite_master ORDER BY name") as {
    name: string;
    sql: unknown;
  }[];
  const tables = app.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") as {
    name: string;
  }[];
  const digest = createHash("sha256").update(textOf(schema));
  for (const { name } of tables) digest.update(textOf([name, app.rows(`SELECT * FROM "${name}"`)]));
  return digest.digest("hex");
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (typeof member === "bigint" ? `${member}n` : member));
}
