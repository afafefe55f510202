/** What `--version` says: which ctlstore, built from which commit, on which Bun and SQLite, for which machine. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BUILD, type Build, VERSION } from "../core/version.ts";

const SOURCE_FOLDER = join(import.meta.dir, "..");

export interface VersionAnswer {
  readonly version: string;
  readonly commit: string;
  readonly target: string;
  /** From source, or compiled into a binary of its own. */
  readonly compiled: boolean;
  readonly bun: string;
  readonly sqlite: string;
}

/** One line for a person, one JSON object for a script. */
export function versionText(asJson: boolean): string {
  const answer = describeVersion();
  if (asJson) return JSON.stringify(answer);
  const { version, commit, target, compiled, bun, sqlite } = answer;
  return `${version} (commit ${commit}, ${target}${compiled ? "" : " from source"}, Bun ${bun}, SQLite ${sqlite})`;
}

function describeVersion(): VersionAnswer {
  const { commit, target } = BUILD ?? fromSource();
  return {
    version: VERSION,
    commit,
    target,
    compiled: BUILD !== null,
    bun: process.versions["bun"] ?? "unknown",
    sqlite: process.versions["sqlite"] ?? "unknown",
  };
}

function fromSource(): Build {
  return { commit: commitOf(SOURCE_FOLDER), target: `${process.platform}-${process.arch}` };
}

/** The commit that a working tree is at, marked where files differ from it; "unknown" where git cannot say. */
export function commitOf(folder: string): string {
  // Unpacked from an archive somewhere in a working tree of something else, it is not at that one's commit.
  if (!existsSync(join(folder, ".git"))) return "unknown";
  try {
    // Without tags: only the commit is asked for, and none of the locks that another git may hold.
    const command = [
      "git",
      "--no-optional-locks",
      "-C",
      folder,
      "describe",
      "--always",
      "--exclude=*",
      "--abbrev=40",
      "--dirty",
    ];
    const { success, stdout } = Bun.spawnSync(command, { stderr: "ignore" });
    const text = stdout.toString().trim();
    return success && text !== "" ? text : "unknown";
  } catch {
    return "unknown"; // there is no git
  }
}
