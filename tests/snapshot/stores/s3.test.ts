/** The stores' suite on S3, by http here and by https in a process that trusts the server's certificate. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { runProcess } from "../../support/process.ts";
import { forChildTests, hasS3Server, sharedS3Server } from "../../support/s3-server.ts";
import { timeoutMsOf } from "../../support/suite.ts";
import { conformanceTests } from "./conformance.ts";
import { s3Target } from "./s3-target.ts";

describe.if(hasS3Server)("on the tests' S3 server", () => {
  conformanceTests(s3Target("http"));

  test(
    "the suite passes by https when the process trusts the server's authority",
    async () => {
      const server = await sharedS3Server();
      const suite = join(import.meta.dir, "https-suite.ts");
      const command = [process.execPath, "test", "--timeout", "60000", suite];
      const ended = await runProcess(command, { env: forChildTests(server) });
      expect({ code: ended.code, output: ended.code === 0 ? "" : ended.stderr }).toEqual({
        code: 0,
        output: "",
      });
      expect(ended.stderr).toMatch(/\b[1-9]\d* pass\b/);
    },
    timeoutMsOf({ quick: 120_000, deep: 480_000 }),
  );
});
