/** A folder with the built reader package and the suite's program, ready for any runtime. */
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { buildReaderPackage } from "../../scripts/build-reader.ts";
import { runProcess } from "../support/process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

export const ROOT = join(import.meta.dir, "..", "..");

export interface InstalledReader extends Disposable {
  readonly folder: TempFolder;
  /** The suite's program. */
  readonly program: string;
}

export async function installReader(): Promise<InstalledReader> {
  const folder = tempFolder("reader-package");
  await buildReaderPackage(folder.file("node_modules", "ctlstore-reader"));
  const result = await Bun.build({
    entrypoints: [join(import.meta.dir, "run-reader-suite.ts")],
    target: "node",
    format: "esm",
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map(String).join("\n"));
  // Deno resolves only what a package.json names.
  await Bun.write(folder.file("package.json"), '{ "dependencies": { "ctlstore-reader": "*" } }');
  const program = folder.file("suite.mjs");
  await Bun.write(program, (await result.outputs[0]?.text()) ?? "");
  return { folder, program, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** Puts an addon beside the package. */
export function linkAddon(reader: InstalledReader, runtimeBinary: string, name: string): void {
  const from = join(runtimeBinary.slice(0, runtimeBinary.indexOf("/node_modules/")), "node_modules", name);
  const to = reader.folder.file("node_modules", name);
  mkdirSync(reader.folder.file("node_modules"), { recursive: true });
  if (!existsSync(to)) symlinkSync(from, to);
}

/** Fetches a runtime where it is missing. @throws Error with the installer's message when it cannot be had */
export async function runtimeBinary(name: string): Promise<string> {
  const exit = await runProcess(["node", join(ROOT, "scripts", "runtimes", "install.mjs"), name]);
  if (exit.code !== 0) throw new Error(exit.stderr);
  return exit.stdout.trim().split(" ").slice(1).join(" ");
}
