/** The logger keeps secrets out of its lines, also those that come to it by mistake (R45). */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { runProcess } from "../support/process.ts";
import { testSecret } from "../support/secrets.ts";
import { ROOT } from "../support/services.ts";

/** What a process logs that logs this, line by line. */
async function logged(expressions: readonly string[]): Promise<Record<string, unknown>[]> {
  const program = `
    import { createLogger } from ${JSON.stringify(join(ROOT, "core", "process", "logger.ts"))};
    const SECRET = process.env.GIVEN_SECRET;
    const logger = createLogger("test");
    ${expressions.map((fields) => `logger.info(${fields}, "said");`).join("\n")}`;
  const env = { GIVEN_SECRET: testSecret("logged") };
  const { code, stderr } = await runProcess([process.execPath, "-e", program], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining(testSecret("")) });
  return stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("R45 a log line has no field that is named as a secret, at its top or one level below", async () => {
  const names = ["secret", "token", "adminToken", "password", "authorization", "secretAccessKey", "sql"];
  const lines = await logged(
    names.flatMap((name) => [`{ ${name}: SECRET }`, `{ options: { ${name}: SECRET, port: 1 } }`]),
  );
  expect(lines).toHaveLength(2 * names.length);
  expect(lines[0]).toMatchObject({ secret: "[redacted]", msg: "said" });
  expect(lines[1]).toMatchObject({ options: { secret: "[redacted]", port: 1 } });
});

test("R45 a log line has no password of a URL, wherever it stands", async () => {
  const lines = await logged([
    '{ ctldb: "mysql://app:" + SECRET + "@db:3306/ctldb" }',
    '{ ctldb: "mysql://app:" + SECRET + "@" + SECRET + "@db/ctldb" }',
    '{ err: new Error("Cannot reach mysql://app:" + SECRET + "@db/ctldb and more") }',
    '{ err: new Error("Cannot", { cause: new Error("GET https://:" + SECRET + "@host/x failed") }) }',
    '{ url: "http://127.0.0.1:3000", at: "a@b" }',
  ]);
  expect(lines[0]).toMatchObject({ ctldb: "mysql://app:[redacted]@db:3306/ctldb" });
  expect(lines[1]).toMatchObject({ ctldb: "mysql://app:[redacted]@db/ctldb" });
  expect(lines[2]).toMatchObject({
    err: { message: "Cannot reach mysql://app:[redacted]@db/ctldb and more" },
  });
  expect(lines[4]).toMatchObject({ url: "http://127.0.0.1:3000", at: "a@b" });
});
