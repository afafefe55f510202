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
import { hasS3Server, sharedS3Server } from "../support/s3-server.ts";
import { ctlstore } from "../support/services.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const SNAPSHOT_BYTES = runsOf({ quick: 8_000_000, deep: 60_000_000 });
const KILLS = runsOf({ quick: 3, deep: 100 });
/** Kills of one bootstrap; then it may end, and the next begins with an empty folder. */
const KILLS_A_LIFE = 3;
const TIMEOUT_MS = timeoutMsOf({ quick: 120_000, deep: 1_800_000 });

interface Machine extends Disposable {
  readonly root: BareRoot;
  readonly story: BootstrapStory;
  /** Starts the Reflector, with the LDB in /ldb and the ready file /ready. */
  start(): TestProcess;
}

interface Store {
  readonly url: string;
  /** What a client of it needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A bare root with the binary, and the story's ctldb and store on the network. */
async function machineWith(store: Store): Promise<Machine> {
  const story = await makeBootstrapStory({
    snapshots: store.url,
    snapshotBytes: SNAPSHOT_BYTES,
    env: store.env,
  });
  const { path } = await binaryOf("ctlstore-reflector");
  const root = await bareRoot([path]);
  const ldb = ["--ldb", "/ldb", "--ready-file", "/ready", "--poll-interval-ms", "20"];
  const bootstrap = ["--bootstrap", store.url, "--bootstrap-jitter-ms", "0"];
  const command = [`/${path.split("/").at(-1)}`, "--ctldb", story.ctldb, ...ldb, ...bootstrap];
  return {
    root,
    story,
    start() {
      // Left by a life that was killed, it would speak for one that has not even asked for signals yet.
      rmSync(join(root.path, "ready"), { force: true });
      return startProcess(root.commandWith(store.env, ...command));
    },
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}

/** As above, with a store in a folder: `file:` URLs name one in the root, so it is made outside and copied there. */
async function machineWithFolder(): Promise<Machine> {
  using folder = tempFolder("store");
  const machine = await machineWith({ url: `file://${folder.path}`, env: {} });
  mkdirSync(join(machine.root.path, folder.path), { recursive: true });
  const command = ["cp", "-a", `${folder.path}/.`, join(machine.root.path, folder.path)];
  expect((await startProcess(command).exited).code).toBe(0);
  return machine;
}

async function machineWithS3(): Promise<Machine> {
  const server = await sharedS3Server();
  return machineWith({ url: await server.bucketUrl(), env: server.env });
}

function isReady(root: BareRoot): boolean {
  return existsSync(join(root.path, "ready"));
}

async function whenReady(root: BareRoot, reflector: TestProcess): Promise<void> {
  const ready = () => {
    if (!reflector.running) throw new Error(`it ended:\n${reflector.stderr}`);
    return isReady(root);
  };
  await until(ready, { what: "the Reflector to be ready", deadlineMs: 60_000 }).catch((error) => {
    throw new Error(`${error.message}\n${reflector.stderr}`);
  });
}

async function stopAndVerify({ root, story }: Machine, reflector: TestProcess): Promise<void> {
  {
    // Ready is not yet caught up to the last entry: all of them are younger than the lag that counts as ready.
    using reader = openReader({ path: join(root.path, "ldb") });
    await reader.waitFor(story.lastSequence, { timeoutMs: 20_000 });
  }
  reflector.signal("SIGTERM");
  expect(await reflector.exited).toEqual({ code: 0, signal: null });
  const ldb = join(root.path, "ldb");
  const verify = startProcess(ctlstore("ldb", "verify", "--ldb", ldb, "--ctldb", story.ctldb));
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

/** From nothing to ready; how long it took. */
async function bootstrapUndisturbed(machine: Machine): Promise<number> {
  const startedMs = performance.now();
  const reflector = machine.start();
  await whenReady(machine.root, reflector);
  const wholeMs = performance.now() - startedMs;
  const { snapshotSequence } = machine.story;
  expect(reflector.stderr).toMatch(new RegExp(`"sequence":"?${snapshotSequence}"?,.*"bootstrapped"`));
  await stopAndVerify(machine, reflector);
  return wholeMs;
}

/** Starts it and kills it at a moment of the time that it takes, or once it is ready. */
async function startAndKill(machine: Machine, afterMs: number): Promise<void> {
  const reflector = machine.start();
  const startedMs = performance.now();
  const isTheMoment = () => performance.now() - startedMs >= afterMs || isReady(machine.root);
  await until(isTheMoment, { what: "the moment of the kill", intervalMs: 1 });
  await reflector.kill();
}

describe.skipIf(!hasBareRoot)("the compiled Reflector on an empty machine", () => {
  test(
    "I9 R11 R22 bootstraps, catches up, turns ready with the ctldb's rows, and comes to the same when killed at any moment",
    async () => {
      using machine = await machineWithFolder();
      const wholeMs = await bootstrapUndisturbed(machine);
      const random = seededRandom(suiteSeed());
      for (let kills = 0; kills < KILLS; kills += KILLS_A_LIFE) {
        rmSync(join(machine.root.path, "ldb"), { recursive: true });
        for (let life = 0; life < KILLS_A_LIFE; life++) await startAndKill(machine, random() * wholeMs);
        await using last = machine.start();
        await whenReady(machine.root, last);
        await stopAndVerify(machine, last);
      }
    },
    TIMEOUT_MS,
  );

  test.skipIf(!hasS3Server)(
    "I9 bootstraps from S3, by the SDK that is compiled in",
    async () => {
      using machine = await machineWithS3();
      await bootstrapUndisturbed(machine);
    },
    TIMEOUT_MS,
  );
});
