/** Documents: read as written, and replaced only under a condition. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { STORE_LIMITS } from "../../../../core/limits.ts";
import { openSnapshotStore } from "../../../../snapshot/stores/open.ts";
import { startProcess } from "../../../support/process.ts";
import { runsOf, timeoutMsOf } from "../../../support/suite.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import {
  absent,
  CHILD,
  calm,
  keysOf,
  openEmpty,
  outcomeOf,
  read,
  type StoreTarget,
  text,
  unchanged,
  upload,
  write,
} from "../target.ts";

const KEY = "latest.json";

export function documentTests(target: StoreTarget): void {
  describe("a document", () => {
    test("is null when nobody has written it, also in folders that are not there", async () => {
      await using store = await openEmpty(target);
      expect(await store.readDocument(KEY, calm)).toBeNull();
      expect(await store.readDocument("a/b/c.json", calm)).toBeNull();
    });

    test("is read as it was written when it is empty, binary, or as large as it may be", async () => {
      await using store = await openEmpty(target);
      const contents = [
        new Uint8Array(),
        text("\u0000\r\n😀 ü"),
        Uint8Array.from({ length: 256 }, (_, i) => i),
        new Uint8Array(STORE_LIMITS.documentBytes).fill(7),
      ];
      for (const [i, bytes] of contents.entries()) {
        const key = `documents/${i}.json`;
        const options = { condition: absent, contentType: "application/json", signal: calm };
        const version = await store.writeDocument(key, bytes, options);
        const found = await store.readDocument(key, calm);
        expect(found?.version).toBe(version);
        expect(Buffer.compare(found?.bytes ?? text("none"), bytes)).toBe(0);
      }
    });

    test("I13 is refused, written or read, when it is larger than one may be", async () => {
      using folder = tempFolder("document");
      await using store = await openEmpty(target);
      const tooMuch = "x".repeat(STORE_LIMITS.documentBytes + 1);
      expect(await outcomeOf(write(store, KEY, tooMuch, absent))).toBe("snapshot_damaged");
      writeFileSync(folder.file("source"), tooMuch);
      await upload(store, KEY, folder.file("source"));
      expect(await outcomeOf(read(store, KEY))).toBe("snapshot_damaged");
    });

    test("is not replaced when it must be absent and is there", async () => {
      await using store = await openEmpty(target);
      await write(store, KEY, "one", absent);
      expect(await outcomeOf(write(store, KEY, "two", absent))).toBe("snapshot_conflict");
      expect(await read(store, KEY)).toBe("one");
    });

    test("R23 is replaced while it is what was read, and not when somebody wrote since", async () => {
      await using store = await openEmpty(target);
      const one = await write(store, KEY, "one", absent);
      const two = await write(store, KEY, "two", unchanged(one));
      expect(two).not.toBe(one);
      expect(await outcomeOf(write(store, KEY, "three", unchanged(one)))).toBe("snapshot_conflict");
      expect(await read(store, KEY)).toBe("two");
      await write(store, KEY, "three", unchanged(two));
      expect(await read(store, KEY)).toBe("three");
    });

    test("is not made anew when it must be unchanged and was removed", async () => {
      await using store = await openEmpty(target);
      const version = await write(store, KEY, "one", absent);
      await store.remove([KEY], calm);
      expect(await outcomeOf(write(store, KEY, "two", unchanged(version)))).toBe("snapshot_conflict");
      expect(await keysOf(store)).toEqual([]);
    });

    test("is taken for ours when what is there has our bytes", async () => {
      await using store = await openEmpty(target);
      const version = await write(store, KEY, "ours", absent);
      expect(await write(store, KEY, "ours", absent)).toBe(version);
    });

    test("is seen whole and in order when it is replaced while another handle reads it", async () => {
      await using writer = await openEmpty(target);
      await using reader = await openSnapshotStore(writer.url, await target.deps());
      const contentOf = (n: number) => `${n} `.repeat(20_000);
      let version = await write(writer, KEY, contentOf(1), absent);
      let seen = 1;
      for (let n = 2; n <= 15; n++) {
        const [next, found] = await Promise.all([
          write(writer, KEY, contentOf(n), unchanged(version)),
          read(reader, KEY),
        ]);
        const number = Number.parseInt(found ?? "", 10);
        expect(found).toBe(contentOf(number));
        expect(number).toBeGreaterThanOrEqual(seen);
        seen = number;
        version = next;
      }
      expect(seen).toBeGreaterThan(1);
    });
  });

  describe("a race for a document", () => {
    test(
      "R23 has exactly one winner in each round when 16 writers in 4 processes go for it",
      async () => {
        await using store = await openEmpty(target);
        const rounds = runsOf({ quick: 8, deep: 100 });
        const command = [...CHILD, "race", store.url, String(rounds), "4"];
        const env = await target.env();
        const racers = Array.from({ length: 4 }, () => startProcess(command, { env }));
        await Promise.all(racers.map((racer) => racer.waitForOutput(/ready/)));
        await write(store, "go", "", absent);
        await Promise.all(racers.map((racer) => racer.exited));
        const won = racers.flatMap(({ stdout, stderr }): number[] => {
          const [, answer] = stdout.split("\n");
          if (!answer) throw new Error(stderr);
          return JSON.parse(answer);
        });
        expect(won.sort((a, b) => a - b)).toEqual(Array.from({ length: rounds }, (_, i) => i + 1));
      },
      timeoutMsOf({ quick: 30_000, deep: 120_000 }),
    );

    test("has exactly one winner when all of them must find it absent", async () => {
      await using store = await openEmpty(target);
      for (let round = 0; round < 4; round++) {
        const writers = Array.from({ length: 16 }, (_, i) =>
          outcomeOf(write(store, `round-${round}`, `${i}`, absent)),
        );
        const outcomes = await Promise.all(writers);
        const winners = outcomes.flatMap((outcome, i) => (outcome === "done" ? [i] : []));
        expect(winners).toHaveLength(1);
        expect(await read(store, `round-${round}`)).toBe(String(winners[0]));
      }
    });
  });
}
