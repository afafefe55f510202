/** Secrets on the command line: they work, and whoever gives them is told who else sees them (R45). */
import { describe, expect, test } from "bun:test";
import { exposedSecrets } from "../../cli/exposed-secrets.ts";
import { LIMIT_OPTIONS } from "../../cli/limit-options.ts";
import { KAFKA_OPTIONS } from "../../cli/loader-options.ts";
import { adminTokenOption, ctldbOption, ldbOption } from "../../cli/shared-options.ts";
import { snapshotsOption } from "../../cli/snapshot-options.ts";
import { runProcess } from "../support/process.ts";
import { testSecret } from "../support/secrets.ts";
import { ctlstore } from "../support/services.ts";

const OPTIONS = {
  adminTokenOption,
  ctldbOption,
  ldbOption,
  snapshotsOption,
  ...KAFKA_OPTIONS,
  ...LIMIT_OPTIONS,
};

describe("R45 a warning about the list of processes", () => {
  test.each([
    ["admin-token", testSecret("token")],
    ["ctldb", `mysql://app:${testSecret("of-db")}@db:3306/ctldb`],
    ["webhook", `https://hooks.example/${testSecret("path")}`],
    ["kafka-setting", `sasl.password=${testSecret("sasl")}`],
    ["kafka-setting", `sasl.jaas.config=x password=${testSecret("sasl")}`],
  ])("is given, without the secret, when --%s tells one", (flag, text) => {
    const [line = "", ...more] = exposedSecrets(OPTIONS, { [flag]: [text] });
    expect(line).toContain(`--${flag} `);
    expect(line).not.toContain(testSecret(""));
    expect(more).toEqual([]);
  });

  test.each([
    ["admin-token", "@/etc/ctlstore/token"],
    ["ctldb", "sqlite:/var/lib/ctl.db"],
    ["ctldb", "mysql://app@db:3306/ctldb?tls-ca=/etc/ca.pem"],
    ["ctldb", "@/etc/ctlstore/ctldb"],
    ["snapshots", "s3://bucket/prefix?region=eu-west-1"],
    ["ldb", "/var/spool/ctlstore"],
    ["kafka-setting", "security.protocol=sasl_ssl"],
  ])("is not given when --%s is %s", (flag, text) => {
    expect(exposedSecrets(OPTIONS, { [flag]: [text] })).toEqual([]);
  });

  test("is one line on standard error, and none when the environment has the secret", async () => {
    const args = ["status", "--executive", "http://127.0.0.1:1"];
    const given = await runProcess(ctlstore(...args, "--admin-token", testSecret("token")));
    expect(given.stderr.match(/^warning: --admin-token .*CTLSTORE_ADMIN_TOKEN$/gm)).toHaveLength(1);
    const env = { CTLSTORE_ADMIN_TOKEN: testSecret("token") };
    expect((await runProcess(ctlstore(...args), { env })).stderr).not.toContain("warning");
  });
});
