/** A store in a folder when the folder, its disk or a neighbour fails. */
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { type Clock, systemClock } from "../../../core/process/clock.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import { whyNoMounts, withReadOnlyView } from "../../support/mounts.ts";
import { runProcess, startProcess } from "../../support/process.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import {
  absent,
  bytesOf,
  CHILD,
  calm,
  keysOf,
  openObject,
  outcomeOf,
  read,
  sampleBytes,
  unchanged,
  upload,
  write,
} from "./target.ts";

const KEY = "latest.json";
const noMounts = await whyNoMounts();
const isRoot = process.getuid?.() === 0;

const openIn = (folder: TempFolder) => openSnapshotStore(`file://${folder.path}`);

describe("a store in a folder", () => {
  test("I13 is unavailable, and not empty, when the folder is not there: its mount may be missing", async () => {
    using folder = tempFolder("store");
    writeFileSync(folder.file("source"), "x");
    await using store = await openSnapshotStore(`file://${folder.file("not", "mounted")}`);
    const outcomes = await Promise.all([
      outcomeOf(read(store, KEY)),
      outcomeOf(write(store, KEY, "x", absent)),
      outcomeOf(upload(store, KEY, folder.file("source"))),
      outcomeOf(store.readObject(KEY, { fromByte: 0, signal: calm })),
      outcomeOf(keysOf(store)),
      outcomeOf(store.remove([KEY], calm)),
      outcomeOf(store.removeUnfinished(0, calm)),
    ]);
    expect<string[]>(outcomes).toEqual(Array(7).fill("snapshot_store_unavailable"));
    expect(readdirSync(folder.path)).toEqual(["source"]);
  });

  test("says what is in the way when a file is where a folder is needed, or the other way round", async () => {
    using folder = tempFolder("store");
    await using store = await openIn(folder);
    writeFileSync(folder.file("snapshots"), "a file");
    mkdirSync(folder.file(KEY));
    expect(await read(store, "snapshots/1.json")).toBeNull();
    expect(await outcomeOf(write(store, "snapshots/1.json", "x", absent))).toBe("snapshot_store_unavailable");
    expect(await outcomeOf(write(store, KEY, "x", absent))).toBe("snapshot_store_unavailable");
    await using inFile = await openSnapshotStore(`file://${folder.file("snapshots")}`);
    expect(await outcomeOf(read(inFile, KEY))).toBe("snapshot_store_unavailable");
    expect(readdirSync(folder.path).filter((name) => name.startsWith(".unfinished"))).toEqual([]);
  });

  test("reads on in the file that it opened when that is replaced in the middle", async () => {
    using folder = tempFolder("store");
    await using store = await openIn(folder);
    const [first, second] = [sampleBytes(3 << 20, 1), sampleBytes(3 << 20, 2)];
    writeFileSync(folder.file("first"), first);
    writeFileSync(folder.file("second"), second);
    await upload(store, "big", folder.file("first"));
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await openObject(store, "big")).body) {
      if (chunks.length === 0) await upload(store, "big", folder.file("second"));
      chunks.push(chunk);
    }
    expect(Buffer.concat(chunks).equals(first)).toBe(true);
    expect((await bytesOf((await openObject(store, "big")).body)).equals(second)).toBe(true);
  });

  test("R22 fails when the file that is read was replaced since it was opened, or shrinks", async () => {
    using folder = tempFolder("store");
    await using store = await openIn(folder);
    writeFileSync(folder.file("source"), sampleBytes(3 << 20));
    await upload(store, "big", folder.file("source"));
    const { body } = await openObject(store, "big");
    await upload(store, "big", folder.file("source"));
    expect(await outcomeOf(bytesOf(body))).toBe("snapshot_conflict");
    const cut = async () => {
      for await (const _ of (await openObject(store, "big")).body) writeFileSync(folder.file("big"), "cut");
    };
    expect(await outcomeOf(cut())).toBe("snapshot_store_unavailable");
  });

  test("R17 waits for its lock, also in vain, and has it when the process that held it is killed", async () => {
    using folder = tempFolder("store");
    await using holder = startProcess([...CHILD, "hold-lock", folder.file(".lock")]);
    await holder.waitForOutput(/held/);
    let naps = 0;
    const sleep: Clock["sleep"] = (ms, signal) => {
      naps += 1;
      return systemClock.sleep(ms, signal);
    };
    await using store = await openSnapshotStore(`file://${folder.path}`, {
      clock: { ...systemClock, sleep },
    });
    const stopping = new AbortController();
    const options = { condition: absent, contentType: "text/plain", signal: stopping.signal };
    const given = store.writeDocument(KEY, new Uint8Array(1), options).catch((error: unknown) => error);
    const patient = write(store, KEY, "after the kill", absent);
    await until(() => naps > 4, { what: "two writers to wait for the lock" });
    stopping.abort("no patience");
    expect(await given).toBe("no patience");
    // Its seconds pass at once.
    let nowMs = 0;
    const skip = async () => {
      nowMs += 1_000;
    };
    const hurried = { ...systemClock, monotonicMs: () => nowMs, sleep: skip };
    await using other = await openSnapshotStore(`file://${folder.path}`, { clock: hurried });
    expect(await outcomeOf(write(other, KEY, "in vain", absent))).toBe("snapshot_store_unavailable");
    expect(await read(store, KEY)).toBeNull();
    await holder.kill();
    await patient;
    expect(await read(store, KEY)).toBe("after the kill");
  });

  test("removes what was left unfinished when it is old, and nothing else", async () => {
    using folder = tempFolder("store");
    await using store = await openIn(folder);
    await write(store, "snapshots/1.json", "x", absent);
    for (const name of [".unfinished-old", "snapshots/.unfinished-old", "snapshots/.unfinished-new"])
      writeFileSync(folder.file(name), "half");
    writeFileSync(folder.file(".other"), "of somebody else");
    const longAgo = new Date(Date.now() - 7_200_000);
    for (const name of [".unfinished-old", "snapshots/.unfinished-old", ".other", "snapshots/1.json"])
      utimesSync(folder.file(name), longAgo, longAgo);
    expect(await keysOf(store)).toEqual(["snapshots/1.json"]);
    expect(await store.removeUnfinished(3_600_000, calm)).toBe(2);
    expect(readdirSync(folder.file("snapshots")).sort()).toEqual([".unfinished-new", "1.json"]);
    expect(readdirSync(folder.path)).toContain(".other");
  });

  test("neither lists nor follows links out of the folder", async () => {
    using folder = tempFolder("store");
    using outside = tempFolder("outside");
    writeFileSync(outside.file("secret.json"), "x");
    symlinkSync(outside.path, folder.file("linked"));
    await using store = await openIn(folder);
    expect(await keysOf(store)).toEqual([]);
  });

  test.if(noMounts === null)(
    "R13 says that its disk is full, keeps what it had, and goes on when there is space",
    async () => {
      using folder = tempFolder("store");
      using sources = tempFolder("sources");
      writeFileSync(sources.file("large"), sampleBytes(8 << 20));
      writeFileSync(sources.file("small"), sampleBytes(1_000));
      const mount = 'mount -t tmpfs -o size=2m tmpfs "$1" && shift && exec "$@"';
      const inSmallDisk = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"];
      const url = `file://${folder.path}`;
      const command = [...CHILD, "fill-disk", url, sources.file("large"), sources.file("small")];
      const ended = await runProcess([...inSmallDisk, folder.path, ...command]);
      expect(JSON.parse(ended.stdout || ended.stderr)).toEqual({
        large: "snapshot_store_unavailable",
        document: "snapshot_store_unavailable",
        kept: "before",
        after: "done",
        keys: [KEY, "snapshots/small"],
        unfinished: 0,
      });
    },
  );

  test.if(noMounts === null)(
    "serves readers, and refuses writers, when it is mounted read-only",
    async () => {
      using folder = tempFolder("store");
      using view = tempFolder("view");
      await using store = await openIn(folder);
      await write(store, KEY, "published", absent);
      const command = [...CHILD, "read-only", `file://${view.path}`];
      const ended = await runProcess(withReadOnlyView(folder.path, view.path).concat(command));
      expect(JSON.parse(ended.stdout || ended.stderr)).toEqual({
        reads: "published",
        writes: "snapshot_store_denied",
        keys: [KEY],
      });
    },
  );

  test.if(isRoot)("refuses with a hint when the user may not write, and serves the readers", async () => {
    using folder = tempFolder("store");
    await using store = await openIn(folder);
    const version = await write(store, KEY, "published", absent);
    chmodSync(folder.path, 0o755);
    const asNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    const ended = await runProcess([...asNobody, ...CHILD, "read-only", store.url]);
    expect(JSON.parse(ended.stdout || ended.stderr)).toEqual({
      reads: "published",
      writes: "snapshot_store_denied",
      keys: [KEY],
    });
    // The lock file that root made is no obstacle to root itself.
    await write(store, KEY, "next", unchanged(version));
    rmSync(folder.file(".lock"));
    await write(store, "other.json", "x", absent);
  });
});

if (noMounts !== null) console.log(`left out, ${noMounts}: a full disk and a read-only mount under a store`);
