/** What a reader says besides its answers. */
import { expect, test } from "bun:test";
import type { LdbDriver } from "../../ldb/connection.ts";
import { bunDriver } from "../../ldb/drivers/bun.ts";
import { openReaderWith } from "../../reader/open-reader.ts";
import type { ReaderWarning } from "../../reader/types.ts";
import { isOlderThanSound } from "../../reader/warnings.ts";
import { bunEnvironment } from "./bun-environment.ts";
import { SampleFolder } from "./suite/sample-ldb.ts";

test("SQLite version is compared by number when it is older, newer or the same", () => {
  for (const old of ["3.51.2", "3.9.9", "2.99.99", "3.50"]) expect(isOlderThanSound(old)).toBe(true);
  for (const sound of ["3.51.3", "3.51.10", "3.54.1", "3.100", "4.0.0"])
    expect(isOlderThanSound(sound)).toBe(false);
});

test("reader warns once when its driver brings a SQLite with the WAL-reset fault, and not otherwise", () => {
  using folder = new SampleFolder(bunEnvironment);
  folder.ldb().changeSchema("CREATE TABLE fam___t1 (id INTEGER PRIMARY KEY)");
  const old: LdbDriver = {
    ...bunDriver,
    open: (path) => ({ ...bunDriver.open(path), sqliteVersion: "3.46.0" }),
  };
  const warnings: ReaderWarning[] = [];
  const onWarning = (warning: ReaderWarning) => void warnings.push(warning);
  using reader = openReaderWith(old, { path: folder.path, onWarning });
  reader.ping();
  expect(warnings.map(({ code }) => code)).toEqual(["old_sqlite"]);
  expect(warnings[0]?.message).toContain("3.46.0");
  using sound = openReaderWith(bunDriver, { path: folder.path, onWarning });
  sound.ping();
  expect(warnings.length).toBe(1);
});
