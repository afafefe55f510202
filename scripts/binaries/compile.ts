/**
 * Compiles one program for one machine.
 *
 * Code is split at dynamic imports, so that a start loads only what it runs (an SDK is parsed when it is first needed).
 * Names are kept: Elysia builds routes from the source text of handlers. Source maps are inside, so that a stack names
 * our files and lines. No bytecode: it would start in half the time, and add 5 MB to every download.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "../../core/version.ts";
import { type Artifact, entryOf, fileNameOf, ROOT, targetOf } from "./programs.ts";
import { bunExecutableFor } from "./runtime.ts";

export interface CompileOptions {
  readonly folder: string;
  /** For `--version`. */
  readonly commit: string;
  readonly progress: (text: string) => void;
}

export interface CompiledFile {
  readonly artifact: Artifact;
  readonly path: string;
  /** Files of ours, relative to the root, and packages that are inside. */
  readonly contents: readonly string[];
}

/** @throws Error when it cannot be built, or holds what it must do without */
export async function compile(artifact: Artifact, options: CompileOptions): Promise<CompiledFile> {
  const { folder, commit, progress } = options;
  const name = fileNameOf(artifact);
  const executablePath = bunExecutableFor(artifact.architecture, progress);
  progress(`compiling ${name} ${VERSION}`);
  mkdirSync(folder, { recursive: true });
  // Bun puts its maps next to the binary, where nobody needs them.
  const work = mkdtempSync(join(folder, ".building-"));
  try {
    const result = await Bun.build({
      entrypoints: [entryOf(artifact)],
      root: ROOT,
      target: "bun",
      format: "esm",
      splitting: true,
      // An addon for Node: the loader runs there, and here it says so.
      external: ["@confluentinc/kafka-javascript"],
      minify: { whitespace: true, syntax: true, identifiers: false },
      sourcemap: "linked",
      metafile: true,
      define: {
        CTLSTORE_BUILD_COMMIT: JSON.stringify(commit),
        CTLSTORE_BUILD_TARGET: JSON.stringify(targetOf(artifact)),
      },
      compile: {
        target: `bun-linux-${artifact.architecture}`,
        executablePath,
        outfile: join(work, name),
        // A file that happens to lie where a service is started must not change what it does.
        autoloadDotenv: false,
        autoloadBunfig: false,
      },
      throw: false,
    });
    if (!result.success) throw new Error(`Cannot compile ${name}:\n${result.logs.map(String).join("\n")}`);
    const contents = contentsOf(Object.keys(result.metafile?.inputs ?? {}));
    refuseUnwanted(artifact, contents);
    const path = join(folder, name);
    renameSync(join(work, name), path);
    return { artifact, path, contents };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Our files as they are, those of packages as the package's name. */
function contentsOf(inputs: readonly string[]): string[] {
  const names = inputs.map((input) => {
    const inPackage = input.split("node_modules/").at(-1) ?? "";
    if (inPackage === input) return input;
    const [first = "", second = ""] = inPackage.split("/");
    return first.startsWith("@") ? `${first}/${second}` : first;
  });
  return [...new Set(names)].sort();
}

function refuseUnwanted({ program }: Artifact, contents: readonly string[]): void {
  if (contents.length === 0) throw new Error(`Cannot say what is in ${program.name}: Bun gave no metafile`);
  const found = contents.filter((name) =>
    program.without.some((unwanted) =>
      unwanted.endsWith("/") ? name.startsWith(unwanted) : name === unwanted,
    ),
  );
  if (found.length === 0) return;
  throw new Error(`Cannot compile ${program.name}: it must do without ${found.join(", ")}`);
}
