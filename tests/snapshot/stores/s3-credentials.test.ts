/** Credentials that the SDK looks for by itself, when whoever is asked for them does not answer. */
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { limitedCredentials } from "../../../snapshot/stores/s3/credentials.ts";
import { portOf } from "../../support/free-port.ts";
import { startProcess } from "../../support/process.ts";

const IDENTITY = { accessKeyId: "id", secretAccessKey: "secret" };

test("R20 a store in S3 is stopped, and denied, in time when a metadata service is silent", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const server = `http://127.0.0.1:${portOf(silent)}`;
  const url = `s3://bucket/prefix?endpoint=${server}&path-style=true`;
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server}/credentials`,
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_PROFILE: undefined,
  };
  await using child = startProcess([process.execPath, join(import.meta.dir, "credentials-child.ts"), url], {
    env,
  });
  await child.waitForOutput(/^asked to stop\n.*nobody has answered for 500 ms/m, 10_000);
  expect((await child.exited).code).toBe(0);
  silent.close();
});

test("what did not answer once is not waited for again", async () => {
  let made = 0;
  const create = () => {
    made += 1;
    return made === 1 ? () => new Promise<never>(() => {}) : async () => IDENTITY;
  };
  const provider = limitedCredentials(create, { credentialsMs: 20 });
  await expect(provider()).rejects.toThrow("nobody has answered for 20 ms");
  expect(await provider()).toEqual(IDENTITY);
  expect(made).toBe(2);
});
