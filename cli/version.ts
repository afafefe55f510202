/** What `--version` says: which ctlstore, built from which commit, on which runtime and SQLite, for which machine. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUILD, type Build, VERSION } from "../core/version.ts";

const SOURCE_FOLDER = join(dirname(fileURLToPath(import.meta.url)), "..");

export interface VersionAnswer {
  readonly version: string;
  readonly commit: string;
  readonly target: string;
  /** From source, or compiled into a binary of its own. */
  readonly compiled: boolean;
  /** On Bun. */
  readonly bun?: string;
  readonly sqlite?: string;
  /** On Node. */
  readonly node?: string;
}

/** One line for a person, one JSON object for a script. */
export function versionText(asJson: boolean): string {
  const answer = describeVersion();
  if (asJson) return JSON.stringify(answer);
  const { version, commit, target, compiled, bun, sqlite, node } = answer;
  const runtime = bun === undefined ? `Node ${node}` : `Bun ${bun}, SQLite ${sqlite}`;
  return `${version} (commit ${commit}, ${target}${compiled ? "" : " from source"}, ${runtime})`;
}

function describeVersion(): VersionAnswer {
  const { commit, target } = BUILD ?? fromSource();
  return {
    version: VERSION,
    commit,
    target,
    compiled: BUILD !== null,
    ...runtimeOf(process.versions),
  };
}

function runtimeOf(versions: Readonly<Record<string, string | undefined>>) {
  const { bun, sqlite = "unknown", node = "unknown" } = versions;
  return bun === undefined ? { node } : { bun, sqlite };
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
    const args = [
      "--no-optional-locks",
      "-C",
      folder,
      "describe",
      "--always",
      "--exclude=*",
      "--abbrev=40",
      "--dirty",
    ];
    const { status, stdout } = spawnSync("git", args, {
      stdio: ["ignore", "pipe", "ignore"],
      encoding: "utf8",
    });
    const text = stdout?.trim() ?? ""; // nothing when there is no git
    return status === 0 && text !== "" ? text : "unknown";
  } catch {
    return "unknown"; // there is no git
  }
}
