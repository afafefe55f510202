/**
 * The sidecar as a service of systemd, with all that its unit takes away from it, beside an LDB that it may only read.
 *
 * Deep: it takes root and a root file system of its own (scripts/setup/host-root.mjs).
 */
import { describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { binaryOf } from "../support/binaries.ts";
import { fillLdb } from "../support/filled-ldb.ts";
import { hasHost, startHost } from "../support/host.ts";
import { isDeep } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { UNITS_FOLDER } from "./user-data.ts";

const UNIT = "ctlstore-sidecar.service";
const BINARY = "/opt/ctlstore/current/ctlstore-reflector";
const LDB = "/var/spool/ctlstore";
const SOCKET = "/run/ctlstore-sidecar/sidecar.sock";
const TIMEOUT_MS = 180_000;

describe.skipIf(!(isDeep && hasHost))("the sidecar's unit", () => {
  test(
    "answers on TCP and its socket with rights to read alone, before and after there is an LDB, and ends well",
    async () => {
      await using host = await startHost();
      const { path } = await binaryOf("ctlstore-reflector");
      await host.must("useradd", "--system", "--user-group", "ctlstore-sidecar");
      await host.must("mkdir", "-p", dirname(BINARY), "/etc/ctlstore", LDB);
      await Bun.write(host.file(BINARY), Bun.file(path));
      await host.must("chmod", "755", BINARY);
      await Bun.write(
        host.file("/etc/ctlstore/sidecar.env"),
        Bun.file(join(UNITS_FOLDER, "sidecar.env.example")),
      );
      await Bun.write(host.file(`/etc/systemd/system/${UNIT}`), Bun.file(join(UNITS_FOLDER, UNIT)));
      await host.must("systemctl", "daemon-reload");
      await host.must("systemctl", "enable", "--now", "--quiet", UNIT);

      const journal = () => host.must("journalctl", "--unit", UNIT, "--no-pager", "--output", "cat");
      const curl = (...more: string[]) => host.must("curl", "--silent", "--max-time", "5", ...more);
      const answers = async (path: string, pattern: RegExp) =>
        until(async () => pattern.test(await curl(`http://127.0.0.1:1331${path}`)), {
          what: `${pattern} of ${path}`,
          deadlineMs: 30_000,
        }).catch(async (error) => {
          throw new Error(`${error.message}\n${await journal()}`);
        });
      await answers("/ping", /"ldb_not_found"/);
      using made = tempFolder("sidecar-unit");
      fillLdb(made.path, { sequence: 7, bytes: 3_000 });
      await Bun.$`chmod -R a+rX ${made.path} && cp -a ${made.path}/. ${host.file(LDB)}/`.quiet();
      await answers("/status", /"state":"ready","reason":null,"sequence":7/);
      const row = ["--data", '{"key":[{"value":1}]}', "http://localhost/get-row-by-key/fam/blobs"];
      expect(await curl("--unix-socket", SOCKET, ...row)).toStartWith('{"k":1,"v":"');
      expect(await host.must("stat", "--format", "%a %U %G", SOCKET)).toBe(
        "660 ctlstore-sidecar ctlstore-sidecar\n",
      );
      await host.must("systemctl", "stop", UNIT);
      expect(await host.must("systemctl", "show", "--property", "Result", "--value", UNIT)).toBe("success\n");
    },
    TIMEOUT_MS,
  );
});
