/**
 * The compiled Reflector on a bare machine, from nothing to ready by way of a snapshot: undisturbed, and killed at any
 * moment and started again. tests/deploy has the same on a host with systemd.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openReader } from "../../reader/index.ts";
import { type BareRoot, bareRoot, hasBareRoot } from "../support/bare-root.ts";
import { binaryOf } from "../support/binaries.ts";
import { type BootstrapStory, makeBootstrapStory } from "../support/bootstrap-story.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { ctlstore } from "../support/services.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const SNAPSHOT_BYTES = runsOf({ quick: 8_000_000, deep: 60_000_000 });
const KILLS = runsOf({ quick: 3, deep: 100 });
/** Kills of one bootstrap; then it may end, and the next begins with an empty folder. */
const KILLS_A_LIFE = 3;
const TIMEOUT_MS = timeoutMsOf({ quick: 60_000, deep: 1_800_000 });

/** A bare root with the binary, the store as its /store, and the story's ctldb on the network. */
async function prepare() {
  using store = tempFolder("store");
  const story = await makeBootstrapStory({
    snapshots: `file://${store.path}`,
    snapshotBytes: SNAPSHOT_BYTES,
  });
  const { path } = await binaryOf("ctlstore-reflector");
  const root = await bareRoot([path]);
  mkdirSync(join(root.path, "store"));
  const copied = await startProcess(["cp", "-a", `${store.path}/.`, join(root.path, "store")]).exited;
  expect(copied.code).toBe(0);
  return { story, root, binary: `/${path.split("/").at(-1)}` };
}

function startReflector(root: BareRoot, binary: string, { ctldb }: BootstrapStory): TestProcess {
  const flags = [
    "--ctldb",
    ctldb,
    "--ldb",
    "/ldb",
    "--bootstrap",
    "file:///store",
    "--bootstrap-jitter-ms",
    "0",
  ];
  return startProcess(root.command(binary, ...flags, "--ready-file", "/ready", "--poll-interval-ms", "20"));
}

function isReady(root: BareRoot): boolean {
  return existsSync(join(root.path, "ready"));
}

async function whenReady(root: BareRoot, reflector: TestProcess): Promise<void> {
  const ready = () => {
    if (!reflector.running) throw new Error(`it ended:\n${reflector.stderr}`);
    return isReady(root);
  };
  await until(ready, { what: "the Reflector to be ready", deadlineMs: 30_000 }).catch((error) => {
    throw new Error(`${error.message}\n${reflector.stderr}`);
  });
}

async function stopAndVerify(
  root: BareRoot,
  reflector: TestProcess,
  { ctldb, lastSequence }: BootstrapStory,
) {
  {
    // Ready is not yet caught up to the last entry: all of them are younger than the lag that counts as ready.
    using reader = openReader({ path: join(root.path, "ldb") });
    await reader.waitFor(lastSequence, { timeoutMs: 20_000 });
  }
  reflector.signal("SIGTERM");
  expect(await reflector.exited).toEqual({ code: 0, signal: null });
  const ldb = join(root.path, "ldb");
  const verify = startProcess(ctlstore("ldb", "verify", "--ldb", ldb, "--ctldb", ctldb));
  expect({ ...(await verify.exited), text: verify.stdout }).toMatchObject({
    code: 0,
    text: expect.stringContaining("equal"),
  });
  // Nothing half-done is left behind.
  expect(readdirSync(join(ldb, "generations"))).toHaveLength(1);
  if (existsSync(join(ldb, "bootstrap"))) {
    expect(readdirSync(join(ldb, "bootstrap")).filter((name) => name.endsWith(".part"))).toEqual([]);
  }
}

describe.skipIf(!hasBareRoot)("the compiled Reflector on an empty machine", () => {
  test(
    "I9 R11 R22 bootstraps, catches up, turns ready with the ctldb's rows, and comes to the same when killed at any moment",
    async () => {
      const { story, root, binary } = await prepare();
      using _root = root;
      let startedMs = performance.now();
      const undisturbed = startReflector(root, binary, story);
      await whenReady(root, undisturbed);
      const wholeMs = performance.now() - startedMs;
      expect(undisturbed.stderr).toMatch(
        new RegExp(`"sequence":"?${story.snapshotSequence}"?,.*"bootstrapped"`),
      );
      await stopAndVerify(root, undisturbed, story);

      const random = seededRandom(suiteSeed());
      let kills = 0;
      while (kills < KILLS) {
        rmSync(join(root.path, "ldb"), { recursive: true });
        for (let life = 0; life < KILLS_A_LIFE && kills < KILLS; life++) {
          const reflector = startReflector(root, binary, story);
          startedMs = performance.now();
          const killAfterMs = random() * wholeMs;
          await until(() => performance.now() - startedMs >= killAfterMs || isReady(root), {
            what: "the moment of the kill",
            intervalMs: 1,
          });
          await reflector.kill();
          kills += 1;
        }
        const last = startReflector(root, binary, story);
        await using _last = last;
        await whenReady(root, last);
        await stopAndVerify(root, last, story);
      }
    },
    TIMEOUT_MS,
  );
});
