/** Writes an LDB with a changelog without a Reflector around it, and looks at the files. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { ignoreCrashPoint, type OnCrashPoint } from "../../../ldb/crash-points.ts";
import { openLdbFolder } from "../../../ldb/ldb-folder.ts";
import { readPosition } from "../../../ldb/position.ts";
import { Changelog } from "../../../reflector/changelog/changelog.ts";
import type { ChangelogSettings } from "../../../reflector/changelog/contract.ts";
import { identityOf } from "../../../reflector/changelog/ldb-identity.ts";
import { LdbWriter } from "../../../reflector/ldb-writer.ts";
import { LegacyGaps } from "../../../reflector/legacy-gaps.ts";
import { withDefaults } from "../../../reflector/options.ts";
import type { MemoryLedger } from "../memory-ledger.ts";

export interface TestWriterOptions extends Partial<ChangelogSettings> {
  /** The start of the machine. */
  readonly boot?: string | null;
  readonly transactionStatements?: number;
  /** Entries of one block. */
  readonly blockEntries?: number;
  readonly onPoint?: OnCrashPoint;
}

export interface TestWriter {
  readonly changelog: Changelog;
  readonly writer: LdbWriter;
  /** Applies what the ledger has and the LDB has not. */
  apply(ledger: MemoryLedger): void;
  /** An orderly end. */
  stop(): void;
  /** What a kill between two transactions leaves. */
  abandon(): void;
}

export function openTestWriter(folder: string, options: TestWriterOptions = {}): TestWriter {
  const { boot = "this start", transactionStatements = 2_000, blockEntries = 10_000, ...others } = options;
  const { onPoint = ignoreCrashPoint, ...settings } = others;
  const complete = withDefaults({ ldbFolder: folder, transactionStatements, changelog: settings });
  const deps = { clock: systemClock, logger: silentLogger, onPoint };
  const ldb = openLdbFolder(folder, deps);
  const { database } = ldb;
  const changelogSettings = complete.changelog ?? raise();
  const home = dirname(changelogSettings.path);
  if (!existsSync(home)) mkdirSync(home, { recursive: true });
  const { sequence } = readPosition(database);
  const changelog = openChangelog();
  const writer = new LdbWriter(
    { ...deps, database, onCommit: () => {}, changelog },
    { gaps: new LegacyGaps(systemClock, 0), limits: complete, ldbFolder: folder },
  );
  function openChangelog(): Changelog {
    try {
      return Changelog.open({ ...deps, database, boot }, changelogSettings, {
        generation: identityOf(ldb),
        sequence,
      });
    } catch (error) {
      database.close();
      throw error;
    }
  }
  const end = () => {
    writer.close();
    database.close();
  };
  return {
    changelog,
    writer,
    apply(ledger) {
      writer.followLedger({ epoch: ledger.epoch, origin: ledger.origin });
      const entries = ledger.entries.filter((entry) => entry.sequence > writer.position.sequence);
      for (let from = 0; from < entries.length; from += blockEntries) {
        const block = entries.slice(from, from + blockEntries);
        writer.beginBlock(block);
        for (let at = 0; at < block.length; ) at = writer.applySlice(block, at).next;
      }
    },
    stop() {
      writer.close();
      changelog.close();
      database.close();
    },
    abandon: end,
  };
}

function raise(): never {
  throw new Error("no changelog was asked for");
}

/** The lines of one file, each as the object that it is. */
export function parsedLines(path: string): Record<string, unknown>[] {
  const text = readFileSync(path, "utf8");
  if (!text.endsWith("\n")) throw new Error(`${path} ends in the middle of a line`);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export interface WholeChangelog {
  readonly histories: readonly unknown[];
  /** Numbers of the files, the oldest first. */
  readonly files: readonly unknown[];
  /** The changes of all files; each file's header must go on where the file before ended. */
  readonly lines: Record<string, unknown>[];
}

/** All files of a changelog, the oldest first. */
export function readChangelog(path: string): WholeChangelog {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const name = path.slice(folder.length + 1);
  const older = readdirSync(folder)
    .map((found) => new RegExp(`^${name.replaceAll(".", "\\.")}\\.(\\d+)$`).exec(found)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => `${path}.${number}`);
  const files = [...older, path].filter((file) => existsSync(file)).map(parsedLines);
  const headers = files.map(([header = {}]) => header);
  files.forEach(([header = {}, first], i) => {
    const before = files[i - 1]?.at(-1);
    const goesOn = Number(before?.["seq"] ?? 0) <= Number(header["seq"]);
    const begins = first === undefined || Number(first["seq"]) > Number(header["seq"]);
    if (!goesOn || !begins) throw new Error(`file ${header["file"]} does not go on where the last one ended`);
  });
  return {
    histories: headers.map((header) => header["history"]),
    files: headers.map((header) => header["file"]),
    lines: files.flatMap(([, ...lines]) => lines),
  };
}

export function changeLog(folder: string): WholeChangelog {
  return readChangelog(join(folder, "change.log"));
}

/** Lines without what is the same in all of them. */
export function short(lines: readonly Record<string, unknown>[]): string[] {
  return lines.map(({ seq, table, key, kind, end }) => {
    const values = (key as { value: unknown }[]).map(({ value }) => JSON.stringify(value)).join(",");
    return `${seq} ${kind} ${table}${values === "" ? "" : `[${values}]`}${end === true ? " end" : ""}`;
  });
}
