/** Keys: listed, removed, and refused where they could lead elsewhere. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { SnapshotStore } from "../../../../snapshot/stores/store.ts";
import { isDeep, timeoutMsOf } from "../../../support/suite.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import {
  absent,
  calm,
  keysOf,
  openEmpty,
  outcomeOf,
  read,
  type StoreTarget,
  upload,
  write,
} from "../target.ts";

const BAD_KEYS = [
  "",
  "/",
  "/latest.json",
  "..",
  "../latest.json",
  "a/../b",
  "a/./b",
  "a//b",
  "a/",
  ".hidden",
  "a/.unfinished-1",
  "a\u0000b",
  "a b",
  "ä",
  "a\\b",
  "a?b",
  "a%2e%2e",
  "a\nb",
  "x".repeat(2_000),
  `${"x".repeat(201)}/y`,
];

/** More than one page of S3's listing in the deep suite; in the quick one the pages are small. */
const OBJECTS = isDeep ? 10_050 : 23;
const KEYS_PER_REQUEST = isDeep ? 1_000 : 5;

async function writeMany(store: SnapshotStore, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `many/${String(i).padStart(5, "0")}`);
  const left = [...keys];
  const worker = async () => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) await write(store, key, key, absent);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return keys;
}

export function keyTests(target: StoreTarget): void {
  describe("a key", () => {
    test("I13 is refused by every method when it could lead elsewhere or be no name", async () => {
      using folder = tempFolder("keys");
      await using store = await openEmpty(target);
      writeFileSync(folder.file("source"), "x");
      for (const key of BAD_KEYS) {
        const outcomes = await Promise.all([
          outcomeOf(read(store, key)),
          outcomeOf(write(store, key, "x", absent)),
          outcomeOf(upload(store, key, folder.file("source"))),
          outcomeOf(store.readObject(key, { fromByte: 0, signal: calm })),
          outcomeOf(store.remove([key], calm)),
        ]);
        expect([key, ...outcomes]).toEqual([key, ...Array(5).fill("invalid_name")]);
      }
      expect(await outcomeOf(keysOf(store, "../"))).toBe("invalid_name");
      expect(await keysOf(store)).toEqual([]);
    });

    test("may have parts of 200 characters, and 512 in all", async () => {
      await using store = await openEmpty(target);
      const key = `${"a".repeat(200)}/${"b".repeat(200)}/${"c".repeat(110)}`;
      await write(store, key, "x", absent);
      expect(await keysOf(store)).toEqual([key]);
    });
  });

  describe("a listing", () => {
    test("has the objects whose key begins with the prefix, with size and time", async () => {
      await using store = await openEmpty(target);
      const began = Date.now();
      for (const key of ["latest.json", "snapshots/1-a.json", "snapshots/12-b.json", "snapshots-of-others/1"])
        await write(store, key, key, absent);
      expect(await keysOf(store)).toHaveLength(4);
      expect(await keysOf(store, "snapshots/")).toEqual(["snapshots/1-a.json", "snapshots/12-b.json"]);
      expect(await keysOf(store, "snapshots")).toHaveLength(3);
      expect(await keysOf(store, "snapshots/12")).toEqual(["snapshots/12-b.json"]);
      expect(await keysOf(store, "nothing/here/")).toEqual([]);
      for await (const { key, bytes, modifiedAtMs } of store.list("snapshots/", calm)) {
        expect(bytes).toBe(key.length);
        expect(Math.abs(modifiedAtMs - began)).toBeLessThan(60_000);
      }
    });

    test(
      "has every object once, and removes them all, when they fill many pages",
      async () => {
        await using store = await openEmpty(target, await manyPages(target));
        const keys = await writeMany(store, OBJECTS);
        expect(await keysOf(store, "many/")).toEqual(keys);
        await store.remove([...keys, "many/not-there"], calm);
        expect(await keysOf(store)).toEqual([]);
      },
      timeoutMsOf({ quick: 30_000, deep: 240_000 }),
    );
  });

  describe("a signal", () => {
    test("ends every method with its reason when it is aborted already", async () => {
      await using store = await openEmpty(target);
      const reason = new Error("asked to stop");
      const signal = AbortSignal.abort(reason);
      const options = { condition: absent, contentType: "text/plain", signal };
      const calls = [
        store.readDocument("a", signal),
        store.writeDocument("a", new Uint8Array(1), options),
        store.uploadFile("a", import.meta.path, options),
        store.readObject("a", { fromByte: 0, signal }),
        store.list("", signal)[Symbol.asyncIterator]().next(),
        store.remove(["a"], signal),
        store.removeUnfinished(0, signal),
      ];
      const outcomes = await Promise.all(calls.map((call) => call.catch((error: unknown) => error)));
      expect(outcomes).toEqual(Array(7).fill(reason));
      expect(await keysOf(store)).toEqual([]);
    });
  });
}

async function manyPages(target: StoreTarget) {
  const { limits } = await target.deps();
  return { limits: { ...limits, keysPerRequest: KEYS_PER_REQUEST } };
}
