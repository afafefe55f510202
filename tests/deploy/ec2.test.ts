/**
 * EC2's user-data on an empty host with a real systemd: binary from S3 by a presigned URL, ledger on MariaDB.
 *
 * Deep: it takes root and a root file system of its own (scripts/setup/host-root.mjs).
 */
import { describe, expect, test } from "bun:test";
import { Writer } from "../../client/index.ts";
import { makeStoryTable, STORY_WRITER } from "../pipeline/story.ts";
import { type Host, hasHost, startHost } from "../support/host.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { hasS3Server } from "../support/s3-server.ts";
import { type ServiceProcess, startExecutiveService } from "../support/services.ts";
import { isDeep } from "../support/suite.ts";
import { until } from "../support/until.ts";
import {
  installOperatorsBinary,
  LDB,
  property,
  releasedNextReflector,
  releasedReflector,
  runUserData,
  UNIT,
  verifyAsNobody,
} from "./ec2-host.ts";
import { type Release, release } from "./release.ts";
import { userData } from "./user-data.ts";

const TIMEOUT_MS = 180_000;
/** A service of the host that reads control data. */
const APP_UNIT = `[Unit]
After=${UNIT}
Wants=${UNIT}
[Service]
ExecStart=/bin/sleep infinity
`;
/** Far below the unit's, to see it at work. */
const WATCHDOG_SECONDS = 3;

let executive: Promise<ServiceProcess & { readonly ctldb: string }> | null = null;

/** One ctldb with a few rows for all tests, which only read it. */
function storyCtldb() {
  executive ??= (async () => {
    const ctldb = await (await sharedMariadb()).createDatabase();
    const service = await startExecutiveService(ctldb);
    await makeStoryTable(service.url);
    const writer = new Writer({ url: service.url, ...STORY_WRITER });
    const ids = Array.from({ length: 100 }, (_, id) => id);
    await writer.write(ids.map((id) => ({ table: "rows", values: { id, text: `row ${id}` } })));
    return { ...service, ctldb };
  })();
  return executive;
}

async function settingsFor(released: Release, more: Readonly<Record<string, string>> = {}) {
  const { ctldb } = await storyCtldb();
  const reflector = {
    CTLSTORE_CTLDB: ctldb,
    CTLSTORE_LDB: LDB,
    CTLSTORE_READY_FILE: "/run/ctlstore/ready",
    ...more,
  };
  return { ...released, reflector };
}

/** Waits until the unit is ready in another process. */
async function anotherIsReady(host: Host, formerPid: string): Promise<void> {
  const isAnother = async () => {
    const pid = await property(host, "MainPID");
    return pid !== formerPid && pid !== "0" && (await property(host, "ActiveState")) === "active";
  };
  await until(isAnother, { what: "another Reflector to be ready", deadlineMs: 60_000 });
}

describe.skipIf(!(isDeep && hasHost && hasS3Server))("user-data on an empty host", () => {
  test(
    "installs a Reflector that becomes ready and is readable for everyone, and changes nothing when run again",
    async () => {
      await using host = await startHost();
      const released = await releasedReflector();
      const settings = await settingsFor(released);
      const script = userData(settings);
      const first = await runUserData(host, script);
      expect(first).toEqual({ code: 0, output: expect.stringContaining("ctlstore: ready") });
      await until(() => host.console.includes("ctlstore: ready"), { what: "the same on the console" });

      const pid = await property(host, "MainPID");
      expect(await host.must("stat", "--format", "%a %U", "/etc/ctlstore/reflector.env")).toBe("600 root\n");
      expect((await host.must("ps", "-o", "user=", "-p", pid)).trim()).toBe("ctlstore");
      expect(await host.must("readlink", "/opt/ctlstore/current")).toBe(`${released.sha256}\n`);
      expect(await host.run("test", "-e", "/run/ctlstore/ready")).toMatchObject({ code: 0 });
      const { password } = new URL(settings.reflector.CTLSTORE_CTLDB);
      const seen = await host.must(
        "sh",
        "-c",
        `journalctl --no-pager; systemctl cat ${UNIT}; ps axww; cat /opt/ctlstore/*.sh 2>/dev/null || true`,
      );
      if (password !== "") expect(first.output + seen).not.toContain(password);
      expect(first.output).not.toContain("X-Amz-Signature");

      await installOperatorsBinary(host);
      const { ctldb } = await storyCtldb();
      expect(await verifyAsNobody(host, ctldb)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("equal"),
      });

      const second = await runUserData(host, script);
      expect(second).toEqual({ code: 0, output: expect.stringContaining("nothing to do") });
      expect(await property(host, "MainPID")).toBe(pid);
    },
    TIMEOUT_MS,
  );

  test(
    "installs nothing when the binary is not the one whose checksum is wanted",
    async () => {
      await using host = await startHost();
      const released = await releasedReflector();
      const script = userData(await settingsFor({ ...released, sha256: "0".repeat(64) }));
      const { code, output } = await runUserData(host, script);
      expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining(released.sha256) });
      expect(await host.must("ls", "/opt/ctlstore")).toBe("");
      expect(await host.run("systemctl", "cat", UNIT)).toMatchObject({ code: 1 });
    },
    TIMEOUT_MS,
  );

  test(
    "upgrades in place, restarts for other settings alone, and takes back a binary that does not become ready",
    async () => {
      await using host = await startHost();
      const released = await releasedReflector();
      const settings = await settingsFor(released);
      expect(await runUserData(host, userData(settings))).toMatchObject({ code: 0 });
      const firstPid = await property(host, "MainPID");

      await host.must("sh", "-c", `printf '%s' "$0" > /etc/systemd/system/app.service`, APP_UNIT);
      await host.must("systemctl", "start", "app.service");
      const appPid = await host.must("systemctl", "show", "--property", "MainPID", "app.service");
      const next = await releasedNextReflector();
      const upgraded = await runUserData(host, userData({ ...settings, ...next }));
      expect(upgraded).toEqual({ code: 0, output: expect.stringContaining("ffffffffffff") });
      const secondPid = await property(host, "MainPID");
      expect(secondPid).not.toBe(firstPid);
      expect(await host.must("readlink", "/opt/ctlstore/current")).toBe(`${next.sha256}\n`);

      const other = {
        ...settings,
        ...next,
        reflector: { ...settings.reflector, CTLSTORE_POLL_INTERVAL_MS: "500" },
      };
      expect(await runUserData(host, userData(other))).toMatchObject({ code: 0 });
      const thirdPid = await property(host, "MainPID");
      expect(thirdPid).not.toBe(secondPid);

      const broken = await release(
        Buffer.from('#!/bin/sh\n[ "$1" = --version ] && echo 9.9.9 && exit\necho broken; exit 1\n'),
      );
      const refused = await runUserData(host, userData({ ...other, ...broken }));
      expect(refused).toEqual({ code: 1, output: expect.stringContaining("the former one runs again") });
      expect(refused.output).toContain("| broken");
      expect(await host.must("readlink", "/opt/ctlstore/current")).toBe(`${next.sha256}\n`);
      expect(await property(host, "ActiveState")).toBe("active");

      const wrong = { ...other, reflector: { ...other.reflector, CTLSTORE_CTLDB: "ftp://nowhere" } };
      expect(await runUserData(host, userData(wrong))).toEqual({
        code: 1,
        output: expect.stringContaining("the former one runs again"),
      });
      expect(await host.must("cat", "/etc/ctlstore/reflector.env")).toContain(
        settings.reflector.CTLSTORE_CTLDB,
      );
      expect(await host.must("systemctl", "show", "--property", "MainPID", "app.service")).toBe(appPid);
    },
    TIMEOUT_MS,
  );

  test(
    "leaves a Reflector that comes back by itself after kill -9, and is stopped by systemd within its limit",
    async () => {
      await using host = await startHost();
      expect(await runUserData(host, userData(await settingsFor(await releasedReflector())))).toMatchObject({
        code: 0,
      });
      const pid = await property(host, "MainPID");
      await host.must("systemctl", "kill", "--signal", "KILL", UNIT);
      await anotherIsReady(host, pid);
      await host.must("systemctl", "stop", UNIT);
      expect(await property(host, "Result")).toBe("success");
      expect(await host.run("test", "-e", "/run/ctlstore/ready")).toMatchObject({ code: 1 });
    },
    TIMEOUT_MS,
  );

  test(
    "R20 leaves a Reflector that systemd starts anew when it stands still",
    async () => {
      await using host = await startHost();
      const settings = await settingsFor(await releasedReflector());
      expect(await runUserData(host, userData(settings))).toMatchObject({ code: 0 });
      const lines = `[Service]\nWatchdogSec=${WATCHDOG_SECONDS}\n`;
      await Bun.write(host.file(`/etc/systemd/system/${UNIT}.d/60-test.conf`), lines);
      await host.must("systemctl", "daemon-reload");
      await host.must("systemctl", "restart", UNIT);
      const pid = await property(host, "MainPID");
      const fed = new Set<string>();
      const isFed = async () => fed.add(await property(host, "WatchdogTimestampMonotonic")).size > 4;
      await until(isFed, { what: "the watchdog to be fed", deadlineMs: 60_000, intervalMs: 50 });
      expect(await property(host, "MainPID")).toBe(pid);
      await host.must("systemctl", "kill", "--signal", "STOP", "--kill-whom", "main", UNIT);
      await anotherIsReady(host, pid);
      expect(await host.must("journalctl", "--unit", UNIT, "--no-pager")).toMatch(/watchdog/i);
    },
    TIMEOUT_MS,
  );

  test(
    "fetches binary and password through the AWS CLI, and hands the password on to the letter",
    async () => {
      await using host = await startHost();
      const released = await releasedReflector();
      const settings = await settingsFor(released);
      const password = "p\\a\"s$s`w'o r#d%";
      // Stands in for the AWS CLI, whose own work is not ours to test: the bucket and the parameters are files.
      const cli = `#!/bin/sh
case "$1 $2" in
  "ssm get-parameter") [ "$5" = /app/secret ] && cat /root/parameter ;;
  "s3 cp") curl --silent --fail --output "$5" '${released.binaryUrl}' ;;
esac
`;
      await Bun.write(host.file("/usr/local/bin/aws"), cli);
      await host.must("chmod", "755", "/usr/local/bin/aws");
      await Bun.write(host.file("/root/parameter"), `${password}\n`);
      const script = userData({
        ...settings,
        binaryUrl: "s3://releases/ctlstore-reflector-linux-{arch}",
        reflector: { ...settings.reflector, OF_PARAMETER_STORE: "ssm:/app/secret" },
      });
      const first = await runUserData(host, script);
      expect(first).toMatchObject({ code: 0 });
      const environment = await host.must("cat", `/proc/${await property(host, "MainPID")}/environ`);
      expect(environment.split("\0")).toContain(`OF_PARAMETER_STORE=${password}`);
      expect(first.output).not.toContain(password);
      await host.must("rm", "/root/parameter");
      expect(await runUserData(host, script)).toEqual({
        code: 1,
        output: expect.stringContaining("Parameter Store"),
      });
      expect(await property(host, "ActiveState")).toBe("active");
    },
    TIMEOUT_MS,
  );
});
