/** What a reader says besides its answers. */
import { expect, test } from "bun:test";
import type { LdbDriver } from "../../ldb/connection.ts";
import { bunDriver } from "../../ldb/drivers/bun.ts";
import { openReaderWith } from "../../reader/open-reader.ts";
import { openCheckedReaderWith, waitForCheckedReaderWith } from "../../reader/typed/open-checked.ts";
import type { TypedTables } from "../../reader/typed/types.ts";
import type { ReaderWarning } from "../../reader/types.ts";
import { isOlderThanSound } from "../../reader/warnings.ts";
import { until } from "../support/until.ts";
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

test("waiting for a typed reader warns once of an old SQLite, however often it tries", async () => {
  using folder = new SampleFolder(bunEnvironment);
  folder.ldb().moveTo(1);
  const schema = {
    fingerprint: "0",
    integers: "number",
    tables: [{ family: "fam", table: "t1", fields: { id: "integer" }, keyFields: ["id"] }],
  } as const;
  const warnings: string[] = [];
  let attempts = 0;
  const old: LdbDriver = {
    ...bunDriver,
    open(path) {
      attempts += 1;
      return { ...bunDriver.open(path), sqliteVersion: "3.46.0" };
    },
  };
  const stop = new AbortController();
  const waiting = waitForCheckedReaderWith<TypedTables>(
    (options) => openCheckedReaderWith(old, schema, options),
    { path: folder.path, onWarning: ({ code }) => void warnings.push(code) },
    { timeoutMs: 60_000, signal: stop.signal },
  ).catch((error: Error) => error.message);
  await until(() => attempts >= 3, { what: "several attempts" });
  stop.abort(new Error("enough"));
  expect(await waiting).toBe("enough");
  expect(warnings).toEqual(["old_sqlite"]);
});
