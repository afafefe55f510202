/** The host binaries, compiled once per test run. */
import { type CompiledFile, compile } from "../../scripts/binaries/compile.ts";
import { ARTIFACTS, type Architecture, fileNameOf } from "../../scripts/binaries/programs.ts";
import { type TempFolder, tempFolder } from "./temp-folder.ts";

/** What `--version` of the binaries of tests says. */
export const TEST_COMMIT = "0123456789abcdef0123456789abcdef01234567";

let folder: TempFolder | null = null;
const compiled = new Map<string, Promise<CompiledFile>>();

/** Compiled by the first who asks, for this machine unless told; one to two seconds. */
export function binaryOf(
  program: "ctlstore" | "ctlstore-reflector",
  architecture: Architecture = process.arch === "arm64" ? "arm64" : "x64",
): Promise<CompiledFile> {
  const artifact = ARTIFACTS.find((one) => one.program.name === program && one.architecture === architecture);
  if (artifact === undefined) throw new Error(`there is no ${program} for ${architecture}`);
  const name = fileNameOf(artifact);
  folder ??= tempFolder("binaries");
  const known =
    compiled.get(name) ?? compile(artifact, { folder: folder.path, commit: TEST_COMMIT, progress: () => {} });
  compiled.set(name, known);
  return known;
}
