/** `ctlstore supervisor` as a process, and the commands that look after a store of snapshots. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { duration, durationForm, objectKey } from "../../cli/parsers.ts";
import { runCommandLine } from "../../cli/run.ts";
import { parseFamilyName } from "../../core/names.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { publishSnapshot } from "../../snapshot/publish/publish.ts";
import { openSnapshotStore } from "../../snapshot/stores/open.ts";
import { makePublishable } from "../snapshot/make-publishable.ts";
import { binaryOf } from "../support/binaries.ts";
import { runProcess } from "../support/process.ts";
import { startCtlstore } from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { fakeContext } from "./fake-context.ts";

async function run(...args: readonly string[]) {
  const context = fakeContext();
  const code = await runCommandLine(args, context, { commands: ALL_COMMANDS, groups: GROUPS });
  return { code, out: context.outLines.join("\n"), notes: context.noteLines.join("\n") };
}

function storeIn(folder: TempFolder): string {
  mkdirSync(folder.file("store"));
  return pathToFileURL(folder.file("store")).href;
}

/** An embedded ctldb with one family in its ledger. */
async function makeCtldb(folder: TempFolder): Promise<string> {
  const url = `sqlite:${folder.file("ctldb.db")}`;
  await using ctldb = await openCtlDb(url, { logger: silentLogger, clock: systemClock });
  await ctldb.createFamily(parseFamilyName("shop"));
  return url;
}

/** A store with snapshots at 1, 2 and 3, three, two and one hours old. */
async function filledStore(folder: TempFolder): Promise<string> {
  const url = storeIn(folder);
  const store = await openSnapshotStore(url);
  for (const sequence of [1, 2, 3]) {
    const createdAtMs = Date.now() - (4 - sequence) * 3_600_000;
    const options = {
      supervisorId: "test",
      newEpoch: false,
      retention: { keep: 24, keepForMs: 0 },
      signal: new AbortController().signal,
    };
    const snapshot = makePublishable(folder, sequence, { createdAtMs });
    await publishSnapshot({ store, clock: systemClock }, snapshot, options);
  }
  return url;
}

describe("ctlstore supervisor", () => {
  test("answers on its port, publishes, and ends with 0 at SIGTERM", async () => {
    using folder = tempFolder();
    const ctldb = await makeCtldb(folder);
    await writeOneTable(ctldb);
    const snapshots = storeIn(folder);
    const flags = ["--ldb", folder.file("ldb"), "--snapshots", snapshots, "--interval", "1s"];
    await using child = startCtlstore(["supervisor", "--ctldb", ctldb, ...flags, "--bind", "127.0.0.1:0"]);
    const [url] = await child.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/);
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, { what: "readiness" });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain("ctlstore_supervisor_snapshots_published_total 1");
    expect(metrics).toContain("ctlstore_reflector_sequence 1");
    const { out } = await run("snapshot", "list", "--snapshots", snapshots);
    expect(out).toMatch(/^1 {2}/m);
    child.signal("SIGTERM");
    expect(await child.exited).toEqual({ code: 0, signal: null });
  }, 60_000);

  test("publishes one and ends when that is asked for, and starts from it with an empty folder", async () => {
    using folder = tempFolder();
    const ctldb = await makeCtldb(folder);
    await writeOneTable(ctldb);
    const snapshots = storeIn(folder);
    const once = async (ldb: string) => {
      const flags = ["--ctldb", ctldb, "--ldb", folder.file(ldb), "--snapshots", snapshots, "--once"];
      await using child = startCtlstore(["supervisor", ...flags, "--legacy-key", "original.db"]);
      const { code } = await child.exited;
      return { code, out: child.stdout };
    };
    expect(await once("one")).toEqual({ code: 0, out: "published the snapshot of sequence 1\n" });
    expect(readFileSync(folder.file("store", "original.db")).subarray(0, 6).toString()).toBe("SQLite");
    expect(await once("two")).toEqual({
      code: 0,
      out: "nothing new: the store has the snapshot of sequence 1\n",
    });
  }, 60_000);

  test("freezes by a child process of itself when it is a compiled binary", async () => {
    using folder = tempFolder();
    const ctldb = await makeCtldb(folder);
    await writeOneTable(ctldb);
    const { path } = await binaryOf("ctlstore");
    const flags = ["--ctldb", ctldb, "--ldb", folder.file("ldb"), "--snapshots", storeIn(folder), "--once"];
    const { code, stdout } = await runProcess([path, "supervisor", ...flags]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "published the snapshot of sequence 1\n" });
  }, 120_000);

  test("fails with the reason when the store is not there", async () => {
    using folder = tempFolder();
    const ctldb = await makeCtldb(folder);
    await writeOneTable(ctldb);
    const snapshots = pathToFileURL(folder.file("missing")).href;
    const flags = ["--ctldb", ctldb, "--ldb", folder.file("ldb"), "--snapshots", snapshots, "--once"];
    await using child = startCtlstore(["supervisor", ...flags]);
    expect((await child.exited).code).toBe(1);
    expect(child.stderr).toContain("snapshot_store_unavailable");
  }, 60_000);

  test.each([
    ["--interval", "5"],
    ["--interval", "0s"],
    ["--keep", "0"],
    ["--keep-for", "yesterday"],
    ["--compression", "brotli"],
    ["--compression-level", "20"],
    ["--snapshots", "http://example.org"],
    ["--snapshots", "s3://key:secret@bucket/prefix"],
    ["--legacy-key", "../x"],
    ["--legacy-key", "latest.json"],
    ["--bind", "nowhere"],
  ])("exits 2 and names the flag for %s %s", async (flag, value) => {
    const given = ["--ctldb", "sqlite:/nowhere/x.db", "--snapshots", "file:///nowhere", flag, value];
    const { code, notes } = await run("supervisor", ...given);
    expect(code).toBe(2);
    expect(notes).toContain(flag);
    expect(notes).not.toContain("secret");
  });

  test("exits 2 for a level that gzip does not have", async () => {
    const given = ["--ctldb", "sqlite:/nowhere/x.db", "--snapshots", "file:///nowhere"];
    const { code, notes } = await run(
      "supervisor",
      ...given,
      "--compression",
      "gzip",
      "--compression-level",
      "12",
    );
    expect(code).toBe(2);
    expect(notes).toContain("gzip has levels up to 9");
  });
});

async function writeOneTable(url: string): Promise<void> {
  const { parseTableSchema } = await import("../../core/schema.ts");
  await using ctldb = await openCtlDb(url, { logger: silentLogger, clock: systemClock });
  const definition = { fields: [["sku", "string"]] as [string, string][], keyFields: ["sku"] };
  await ctldb.createTables([parseTableSchema("shop", "prices", definition)]);
}

describe("ctlstore snapshot", () => {
  test("lists and shows what is there, for people and for scripts", async () => {
    using folder = tempFolder();
    const snapshots = await filledStore(folder);
    const list = await run("snapshot", "list", "--snapshots", snapshots);
    expect(list.code).toBe(0);
    expect(list.out.split("\n").map((line) => line.split(" ")[0])).toEqual(["SEQUENCE", "3", "2", "1"]);
    const json = JSON.parse((await run("snapshot", "list", "--snapshots", snapshots, "--json")).out);
    expect(json.latest.sequence).toBe(3);
    expect((await run("snapshot", "show", "--snapshots", snapshots)).out).toMatch(/^sequence +3$/m);
    const one = JSON.parse((await run("snapshot", "show", "1", "--snapshots", snapshots, "--json")).out);
    expect(one.sequence).toBe(1);
  });

  test("exits with the reason when there is no such snapshot, or no store", async () => {
    using folder = tempFolder();
    const snapshots = await filledStore(folder);
    const missing = await run("snapshot", "show", "9", "--snapshots", snapshots);
    expect([missing.code, missing.notes]).toEqual([1, expect.stringContaining("snapshot_not_found")]);
    expect((await run("snapshot", "show", "nine", "--snapshots", snapshots)).code).toBe(2);
    mkdirSync(folder.file("empty"));
    const empty = await run("snapshot", "list", "--snapshots", pathToFileURL(folder.file("empty")).href);
    expect([empty.code, empty.notes]).toEqual([1, expect.stringContaining("there is no latest.json")]);
    const nowhere = await run("snapshot", "verify", "--snapshots", pathToFileURL(folder.file("no")).href);
    expect([nowhere.code, nowhere.notes]).toEqual([1, expect.stringContaining("snapshot_store_unavailable")]);
  });

  test("verifies what is sound, and finds what is changed, cut, missing or no archive", async () => {
    using folder = tempFolder();
    const { zstdCompressSync } = await import("node:zlib");
    const snapshots = storeIn(folder);
    const store = await openSnapshotStore(snapshots);
    const { createHash } = await import("node:crypto");
    const { serialize } = await import("../../snapshot/manifest.ts");
    const plain = Buffer.from("not really a database ".repeat(5_000));
    const data = zstdCompressSync(plain);
    const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    const template = makePublishable(folder, 5);
    const manifest = {
      ...template.manifest,
      plain: { bytes: plain.length, sha256: sha256(plain) },
      compressed: { bytes: data.length, sha256: sha256(data), algorithm: "zstd" as const },
    };
    writeFileSync(template.dataPath, data);
    const snapshot = { ...template, manifest, manifestBytes: serialize(manifest) };
    const signal = new AbortController().signal;
    const options = { supervisorId: "test", newEpoch: false, retention: { keep: 9, keepForMs: 0 }, signal };
    await publishSnapshot({ store, clock: systemClock }, snapshot, options);
    const verify = () => run("snapshot", "verify", "--all", "--snapshots", snapshots);
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringContaining("5         sound") });
    const path = folder.file("store", manifest.dataKey);
    const flipped = Buffer.from(data);
    flipped.writeUInt8((flipped.at(-3) ?? 0) ^ 1, flipped.length - 3);
    const larger = zstdCompressSync(Buffer.concat([plain, plain]));
    for (const bytes of [
      flipped,
      data.subarray(0, data.length - 10),
      larger,
      Buffer.from("no archive"),
      Buffer.alloc(0),
    ]) {
      writeFileSync(path, bytes);
      const { code, notes } = await verify();
      expect([code, notes]).toEqual([1, expect.stringContaining("1 of 1 snapshots cannot be used")]);
    }
    rmSync(path);
    expect(await verify()).toMatchObject({ code: 1, out: expect.stringContaining("it is not there") });
  });

  test("prunes what is too many and too old, and only says so when asked", async () => {
    using folder = tempFolder();
    const snapshots = await filledStore(folder);
    const prune = (...flags: string[]) =>
      run("snapshot", "prune", "--snapshots", snapshots, "--keep", "1", ...flags);
    const objects = () => readdirSync(folder.file("store", "snapshots")).length;
    expect((await prune("--keep-for", "1d")).notes).toContain("0 snapshots and 0 objects removed");
    const dry = await prune("--keep-for", "0s", "--dry-run");
    expect([dry.notes, objects()]).toEqual([expect.stringContaining("2 snapshots would go"), 6]);
    const pruned = await prune("--keep-for", "150m");
    expect([pruned.notes, objects()]).toEqual([
      expect.stringContaining("1 snapshots and 2 objects removed"),
      4,
    ]);
    expect((await prune("--keep-for", "0s")).notes).toContain("1 snapshots and 2 objects removed");
    const { out } = await run("snapshot", "list", "--snapshots", snapshots, "--json");
    expect(JSON.parse(out)).toMatchObject({ latest: { sequence: 3 }, previous: [], publishedBy: "test" });
  });
});

describe("parsers", () => {
  const parse = duration({ min: 1_000, max: 7 * 86_400_000 });

  test.each([
    ["1000ms", 1_000],
    ["90s", 90_000],
    ["5m", 300_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
  ])("the duration %s is %d ms", (text, ms) => {
    expect(parse(text)).toBe(ms);
  });

  test.each(["", "5", "5 m", "-5m", "1.5h", "5M", "999ms", "8d", "5mm", "99999999999s", "s"])(
    "the duration %j is refused",
    (text) => {
      expect(() => parse(text)).toThrow("from 1s to 7d");
    },
  );

  test.each([
    [0, "0ms"],
    [1, "1ms"],
    [1_500, "1500ms"],
    [300_000, "5m"],
    [86_400_000, "1d"],
  ])("%d ms is written as %s", (ms, text) => {
    expect(durationForm(ms)).toBe(text);
  });

  test("a key leads nowhere else", () => {
    expect(objectKey("a/b.db.gz")).toBe("a/b.db.gz");
    for (const key of ["", "/a", "a//b", "../a", "a/..", "a b", "a\0", ".hidden"]) {
      expect(() => objectKey(key)).toThrow();
    }
  });
});
