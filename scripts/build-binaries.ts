/**
 * `npm run build [-- --only NAME …] [--smallest] [--out DIR]`: the host binaries, in dist/ unless told.
 *
 * Each runs on a bare machine with glibc 2.17 or newer. SHA256SUMS lists the binaries that are in the folder; a host's
 * user-data wants a checksum from there.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { commitOf } from "../cli/version.ts";
import { compile } from "./binaries/compile.ts";
import { ARTIFACTS, type Artifact, fileNameOf, ROOT } from "./binaries/programs.ts";
import { describeSizes, sizesOf } from "./binaries/sizes.ts";

const HELP = `Compiles the binaries for hosts.

Usage: npm run build -- [options]

  --only NAME   build this one only: x64, arm64, ctlstore, ctlstore-reflector, or a file name; may be repeated
  --out DIR     where to put them (default: dist)
  --smallest    also say the sizes by zstd -19 and xz -9, which takes minutes
  -h, --help    print this help

Examples:
  npm run build
  npm run build -- --only ctlstore-reflector-linux-arm64 --smallest`;

export interface BuildOptions {
  readonly artifacts: readonly Artifact[];
  readonly folder: string;
  readonly smallest?: boolean;
  /** For people. */
  readonly progress: (text: string) => void;
}

/** Builds, writes SHA256SUMS, and returns the paths. */
export async function buildBinaries(options: BuildOptions): Promise<readonly string[]> {
  const { artifacts, folder, smallest = false, progress } = options;
  const commit = commitOf(ROOT);
  const paths: string[] = [];
  for (const [done, artifact] of artifacts.entries()) {
    const step = `[${done + 1}/${artifacts.length}]`;
    const { path } = await compile(artifact, {
      folder,
      commit,
      progress: (text) => progress(`${step} ${text}`),
    });
    if (smallest) progress(`${step} compressing as far as it goes`);
    progress(`${step} ${relative(process.cwd(), path)}: ${describeSizes(sizesOf(path, smallest))}`);
    paths.push(path);
  }
  writeChecksums(folder);
  return paths;
}

/** In the form of `sha256sum`, so that `sha256sum -c` checks it. */
function writeChecksums(folder: string): void {
  const names = ARTIFACTS.map(fileNameOf).filter((name) => existsSync(join(folder, name)));
  const lines = names.map((name) => {
    const digest = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
    return `${digest}  ${name}\n`;
  });
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

/** What a name on the command line stands for. @throws Error when it is for nothing */
export function artifactsNamed(names: readonly string[]): readonly Artifact[] {
  if (names.length === 0) return ARTIFACTS;
  const answersTo = (artifact: Artifact) => [
    artifact.architecture,
    artifact.program.name,
    fileNameOf(artifact),
  ];
  for (const name of names) {
    if (ARTIFACTS.some((artifact) => answersTo(artifact).includes(name))) continue;
    const known = [...new Set(ARTIFACTS.flatMap(answersTo))].join(", ");
    throw new Error(`Cannot build "${name}": --only takes one of ${known}`);
  }
  // `--only x64 --only ctlstore` means the one file that both name, not three.
  const architectures = names.filter((name) => ARTIFACTS.some(({ architecture }) => architecture === name));
  const others = names.filter((name) => !architectures.includes(name));
  return ARTIFACTS.filter(
    (artifact) =>
      (architectures.length === 0 || architectures.includes(artifact.architecture)) &&
      (others.length === 0 || others.some((name) => answersTo(artifact).includes(name))),
  );
}

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true, default: [] },
        out: { type: "string", default: join(ROOT, "dist") },
        smallest: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const artifacts = artifactsNamed(values.only);
    await buildBinaries({
      artifacts,
      folder: resolve(values.out),
      smallest: values.smallest,
      progress: (text) => console.error(text),
    });
    return 0;
  } catch (error) {
    console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof TypeError ? 2 : 1;
  }
}

if (import.meta.main) process.exit(await main());
