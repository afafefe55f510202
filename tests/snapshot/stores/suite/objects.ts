/** Large objects: copied from a file whole or not at all, and read in ranges of one version. */

import { describe, expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { S3_LIMITS } from "../../../../core/limits.ts";
import { runProcess } from "../../../support/process.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import {
  bytesOf,
  CHILD,
  calm,
  keysOf,
  openEmpty,
  openObject,
  outcomeOf,
  type StoreTarget,
  sampleBytes,
  upload,
} from "../target.ts";

const KEY = "snapshots/big";
const MIB = 1024 ** 2;
/** Above it S3 takes an object in parts. */
const PART_BYTES = S3_LIMITS.parts.bytes;

export function objectTests(target: StoreTarget): void {
  describe("a large object", () => {
    test.each([0, 1, PART_BYTES, PART_BYTES + 1, 21 * MIB + 7])(
      "is read as it was stored when it has %d bytes",
      async (length) => {
        using folder = tempFolder("object");
        await using store = await openEmpty(target);
        const bytes = sampleBytes(length);
        writeFileSync(folder.file("source"), bytes);
        let progress = -1;
        await store.uploadFile(KEY, folder.file("source"), {
          contentType: "application/zstd",
          metadata: { checksum: "0a1b" },
          signal: calm,
          onProgress: (taken) => {
            expect(taken).toBeGreaterThanOrEqual(progress);
            progress = taken;
          },
        });
        if (length > 0) expect(progress).toBe(length);
        const found = await openObject(store, KEY);
        expect(found.totalBytes).toBe(length);
        expect((await bytesOf(found.body)).equals(bytes)).toBe(true);
      },
    );

    test("is null when there is none", async () => {
      await using store = await openEmpty(target);
      expect(await store.readObject(KEY, { fromByte: 0, signal: calm })).toBeNull();
      expect(await store.readObject(KEY, { fromByte: 5, version: '"x"', signal: calm })).toBeNull();
    });

    test("is read from any byte on, to nothing at its end", async () => {
      using folder = tempFolder("object");
      await using store = await openEmpty(target);
      const bytes = sampleBytes(9 * MIB);
      writeFileSync(folder.file("source"), bytes);
      await upload(store, KEY, folder.file("source"));
      const { version } = await openObject(store, KEY);
      for (const fromByte of [1, MIB, 8 * MIB - 1, bytes.length - 1, bytes.length]) {
        const found = await openObject(store, KEY, { fromByte, version });
        expect({ total: found.totalBytes, version: found.version }).toEqual({ total: bytes.length, version });
        expect((await bytesOf(found.body)).equals(bytes.subarray(fromByte))).toBe(true);
      }
    });

    test("R22 is refused in the middle when it was replaced since the first bytes were read", async () => {
      using folder = tempFolder("object");
      await using store = await openEmpty(target);
      const source = folder.file("source");
      writeFileSync(source, sampleBytes(3 * MIB, 1));
      await upload(store, KEY, source);
      const { version } = await openObject(store, KEY);
      writeFileSync(source, sampleBytes(3 * MIB, 2));
      await upload(store, KEY, source);
      expect(await outcomeOf(openObject(store, KEY, { fromByte: MIB, version }))).toBe("snapshot_conflict");
      writeFileSync(source, sampleBytes(MIB, 3));
      await upload(store, KEY, source);
      // Now there is not even such a byte.
      for (const fromByte of [MIB, 2 * MIB])
        expect(await outcomeOf(openObject(store, KEY, { fromByte, version }))).toBe("snapshot_conflict");
      const fresh = await openObject(store, KEY);
      expect((await bytesOf(fresh.body)).equals(sampleBytes(MIB, 3))).toBe(true);
    });

    test("can be left unread, or half read, by whoever opened it", async () => {
      using folder = tempFolder("object");
      await using store = await openEmpty(target);
      writeFileSync(folder.file("source"), sampleBytes(5 * MIB));
      await upload(store, KEY, folder.file("source"));
      await openObject(store, KEY);
      for (let i = 0; i < 60; i++) {
        const { body } = await openObject(store, KEY);
        for await (const _ of body) break;
      }
      expect((await bytesOf((await openObject(store, KEY)).body)).length).toBe(5 * MIB);
    });
  });

  describe("an upload", () => {
    test("fails with the reason of its signal, and leaves nothing, when it is aborted", async () => {
      using folder = tempFolder("object");
      await using store = await openEmpty(target);
      writeFileSync(folder.file("source"), sampleBytes(48 * MIB));
      const stopping = new AbortController();
      const reason = new Error("asked to stop");
      const aborted = store.uploadFile(KEY, folder.file("source"), {
        contentType: "application/zstd",
        signal: stopping.signal,
        onProgress: () => stopping.abort(reason),
      });
      expect(await aborted.catch((error: unknown) => error)).toBe(reason);
      expect(await keysOf(store)).toEqual([]);
      expect(await store.removeUnfinished(0, calm)).toBe(0);
    });

    test("says that the file is at fault when it is missing, a folder, or shrinks meanwhile", async () => {
      using folder = tempFolder("object");
      await using store = await openEmpty(target);
      expect(await outcomeOf(upload(store, KEY, folder.file("none")))).toBe("ldb_unavailable");
      expect(await outcomeOf(upload(store, KEY, folder.path))).toBe("ldb_unavailable");
      const source = folder.file("source");
      writeFileSync(source, sampleBytes(48 * MIB));
      const shrinking = store.uploadFile(KEY, source, {
        contentType: "application/zstd",
        signal: calm,
        onProgress: () => truncateSync(source, 0),
      });
      expect(await outcomeOf(shrinking)).toBe("ldb_unavailable");
      expect(await keysOf(store)).toEqual([]);
    });

    test("leaves nothing but what is cleaned when its process is killed in the middle", async () => {
      using folder = tempFolder("object");
      await using store = await openEmpty(target);
      writeFileSync(folder.file("source"), sampleBytes(48 * MIB));
      const command = [...CHILD, "die-uploading", store.url, folder.file("source")];
      const exit = await runProcess(command, { env: await target.env() });
      expect(exit.signal).toBe("SIGKILL");
      expect(await keysOf(store)).toEqual([]);
      expect(await store.removeUnfinished(3_600_000, calm)).toBe(0);
      expect(await store.removeUnfinished(-2_000, calm)).toBe(1);
      expect(await store.removeUnfinished(-2_000, calm)).toBe(0);
      await upload(store, KEY, folder.file("source"));
      expect(await keysOf(store)).toEqual([KEY]);
    });
  });
}
