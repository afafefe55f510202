/**
 * The whole story of a host: user-data puts the compiled Reflector on it, which bootstraps from S3, catches up with
 * MariaDB, and turns ready; killed at any moment of that, it comes to the same.
 *
 * Deep: it takes root and a root file system of its own (scripts/setup/host-root.mjs). CTLSTORE_TEST_HOST_KILLS says how
 * often it is killed.
 */
import { describe, expect, test } from "bun:test";
import { makeBootstrapStory } from "../support/bootstrap-story.ts";
import { hasHost, startHost } from "../support/host.ts";
import { hasS3Server, sharedS3Server } from "../support/s3-server.ts";
import { isDeep, seededRandom, suiteSeed } from "../support/suite.ts";
import {
  caughtUp,
  installOperatorsBinary,
  LDB,
  releasedReflector,
  runUserData,
  UNIT,
  verifyAsNobody,
} from "./ec2-host.ts";
import { userData } from "./user-data.ts";

const KILLS = Number(process.env["CTLSTORE_TEST_HOST_KILLS"] ?? 20);
const SNAPSHOT_BYTES = 150_000_000;
const TIMEOUT_MS = 1_800_000;

describe.skipIf(!(isDeep && hasHost && hasS3Server))("an empty host with a snapshot of 150 MB", () => {
  test(
    "I9 R11 R22 bootstraps from S3, turns ready with the ctldb's rows, and comes to the same when killed at any moment",
    async () => {
      const server = await sharedS3Server();
      const snapshots = await server.bucketUrl();
      const story = await makeBootstrapStory({ snapshots, snapshotBytes: SNAPSHOT_BYTES, env: server.env });
      const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = server.env;
      const reflector = {
        CTLSTORE_CTLDB: story.ctldb,
        CTLSTORE_LDB: LDB,
        CTLSTORE_BOOTSTRAP: snapshots,
        CTLSTORE_BOOTSTRAP_JITTER_MS: "0",
        AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY,
      };
      await using host = await startHost();
      await installOperatorsBinary(host);
      const first = await runUserData(host, userData({ ...(await releasedReflector()), reflector }));
      expect(first).toEqual({ code: 0, output: expect.stringContaining("ctlstore: ready") });
      await caughtUp(host, story.lastSequence);
      expect(await verifyAsNobody(host, story.ctldb)).toMatchObject({ code: 0 });
      const journal = await host.must("journalctl", "--unit", UNIT, "--output", "cat", "--no-pager");
      const [, seconds] = /"seconds":([\d.]+),"msg":"bootstrapped"/.exec(journal) ?? [];
      console.log(`bootstrapped 150 MB in ${seconds} s`);
      expect(Number(seconds)).toBeGreaterThan(0);
      expect(journal).not.toContain(AWS_SECRET_ACCESS_KEY);

      const random = seededRandom(suiteSeed());
      for (let kill = 1; kill <= KILLS; kill++) {
        await host.must("systemctl", "stop", UNIT);
        await host.must("sh", "-c", `rm -rf ${LDB}/*`);
        await host.must("systemctl", "start", "--no-block", UNIT);
        // Up to a little after the whole bootstrap; the wait is the moment that is tried, not a synchronisation.
        await Bun.sleep(random() * (Number(seconds) + 1) * 1_000);
        // Alone, or with the child that downloads.
        await host.must(
          "systemctl",
          "kill",
          "--signal",
          "KILL",
          "--kill-whom",
          kill % 2 === 0 ? "main" : "all",
          UNIT,
        );
        await caughtUp(host, story.lastSequence);
        expect(await verifyAsNobody(host, story.ctldb)).toMatchObject({ code: 0 });
        expect(await host.must("ls", `${LDB}/generations`)).toMatch(/^\S+\n$/);
      }
    },
    TIMEOUT_MS,
  );
});
