/**
 * The Supervisor as a service of systemd, with all that its unit takes away from it, publishing to S3.
 *
 * Deep: it takes root and a root file system of its own (scripts/setup/host-root.mjs).
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { makeStoryTable } from "../pipeline/story.ts";
import { binaryOf } from "../support/binaries.ts";
import { hasHost, startHost } from "../support/host.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { runProcess } from "../support/process.ts";
import { hasS3Server, sharedS3Server } from "../support/s3-server.ts";
import { ctlstore, startExecutiveService } from "../support/services.ts";
import { isDeep } from "../support/suite.ts";
import { until } from "../support/until.ts";
import { UNITS_FOLDER } from "./user-data.ts";

const UNIT = "ctlstore-supervisor.service";
const BINARY = "/opt/ctlstore/supervisor/ctlstore";
const SETTINGS = "/etc/ctlstore/supervisor.env";
const TIMEOUT_MS = 180_000;

describe.skipIf(!(isDeep && hasHost && hasS3Server))("the Supervisor's unit", () => {
  test(
    "publishes a snapshot and ends well when it is stopped, hardened as it is",
    async () => {
      const server = await sharedS3Server();
      const snapshots = await server.bucketUrl();
      const ctldb = await (await sharedMariadb()).createDatabase();
      const executive = await startExecutiveService(ctldb);
      await using _executive = executive.process;
      await makeStoryTable(executive.url);

      await using host = await startHost();
      const { path } = await binaryOf("ctlstore");
      await host.must("useradd", "--system", "--user-group", "ctlstore");
      await host.must("mkdir", "-p", "/opt/ctlstore/supervisor", "/etc/ctlstore");
      await Bun.write(host.file(BINARY), Bun.file(path));
      await host.must("chmod", "755", BINARY);
      const settings = { CTLSTORE_CTLDB: ctldb, CTLSTORE_SNAPSHOTS: snapshots, ...server.env };
      const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
      await Bun.write(host.file(SETTINGS), lines.join(""));
      await host.must("chmod", "600", SETTINGS);
      await Bun.write(host.file(`/etc/systemd/system/${UNIT}`), Bun.file(join(UNITS_FOLDER, UNIT)));
      await host.must("systemctl", "daemon-reload");
      await host.must("systemctl", "enable", "--now", "--quiet", UNIT);

      const list = ctlstore("snapshot", "list", "--snapshots", snapshots);
      const isPublished = async () => (await runProcess(list, { env: server.env })).code === 0;
      const journal = () => host.must("journalctl", "--unit", UNIT, "--no-pager", "--output", "cat");
      await until(isPublished, { what: "a snapshot", deadlineMs: 60_000 }).catch(async (error) => {
        throw new Error(`${error.message}\n${await journal()}`);
      });
      await host.must("systemctl", "stop", UNIT);
      const show = ["systemctl", "show", "--property", "Result", "--value", UNIT];
      expect(await host.must(...show)).toBe("success\n");
      expect(await host.must("stat", "--format", "%a %U", "/var/lib/ctlstore-supervisor")).toBe(
        "700 ctlstore\n",
      );
      expect(await journal()).not.toContain(server.secretAccessKey);
    },
    TIMEOUT_MS,
  );
});
