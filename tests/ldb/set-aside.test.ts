/** What is kept for an operator, and the question for space (I13, R13, R18). */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { ensureFreeSpace, freeBytes } from "../../ldb/free-space.ts";
import { setAsideGeneration, setAsideWal } from "../../ldb/set-aside.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { flipTo, generationsIn, valueIn } from "./generation-world.ts";

const NOON_US = Date.UTC(2030, 0, 1, 12) * 1000;

function asideIn(folder: TempFolder): string[] {
  return readdirSync(folder.path).filter((name) => name.startsWith("set-aside-"));
}

describe("a damaged generation", () => {
  test("R18 is moved where an operator finds it when another one is current, and only the newest is kept", () => {
    using folder = tempFolder();
    const ids = [1, 2, 3].map((sequence) => flipTo(folder.path, sequence).id);
    const [first = "", second = ""] = ids;
    const aside = setAsideGeneration(folder.path, first, NOON_US) ?? "";
    expect(aside).toEndWith("set-aside-20300101T120000000Z");
    expect(valueIn(`${aside}/ldb.db`)).toBe("1");
    const next = setAsideGeneration(folder.path, second, NOON_US) ?? "";
    expect(valueIn(`${next}/ldb.db`)).toBe("2");
    expect(asideIn(folder)).toHaveLength(1);
    expect(generationsIn(folder.path)).toEqual(ids.slice(2));
    expect(valueIn(folder.file("ldb.db"))).toBe("3");
    expect(setAsideGeneration(folder.path, "none", NOON_US)).toBeNull();
  });

  test("I13 stays beside a log that is set aside later, and of logs only the newest is kept", () => {
    using folder = tempFolder();
    const first = flipTo(folder.path, 1);
    flipTo(folder.path, 2);
    const aside = setAsideGeneration(folder.path, first.id, NOON_US) ?? "";
    for (const minute of [1, 2]) {
      writeFileSync(folder.file("ldb.db-wal"), `log ${minute}`);
      setAsideWal(folder.path, folder.file("ldb.db"), NOON_US + minute * 60_000_000);
    }
    expect(existsSync(aside)).toBe(true);
    expect(asideIn(folder)).toHaveLength(2);
  });
});

describe("free space", () => {
  test("R13 is asked for before much is written, and the refusal names what is needed and what is free", () => {
    using folder = tempFolder();
    ensureFreeSpace(folder.path, 1, "a byte");
    expect(() => ensureFreeSpace(folder.path, freeBytes(folder.path) + 2 ** 40, "a snapshot")).toThrow(
      expect.objectContaining({
        code: "ldb_disk_full",
        message: expect.stringMatching(
          /^Cannot store a snapshot in ".*": [\d.]+ MiB are free; [\d.]+ MiB are needed$/,
        ),
      }),
    );
  });
});
