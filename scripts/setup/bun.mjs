/**
 * Bun, which npm brings as a package.
 *
 * The package holds a stand-in that its postinstall script replaces with the real binary. Where npm is told not to run
 * such scripts (`ignore-scripts`), the stand-in stays, so it is run here.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { outputOf, ROOT, run, SetupError, say } from "./run.mjs";

export const BUN = join(ROOT, "node_modules", ".bin", "bun");

export function setUpBun() {
  if (outputOf(BUN, ["--version"]) !== null) return;
  const installer = join(ROOT, "node_modules", "bun", "install.js");
  if (!existsSync(installer)) throw new SetupError("the package bun is not in node_modules: run `npm ci`");
  say("putting Bun's binary in place");
  run(process.execPath, [installer], { cwd: join(ROOT, "node_modules", "bun") });
  if (outputOf(BUN, ["--version"]) === null) {
    throw new SetupError(
      `Bun does not run on this machine (${process.platform} ${process.arch}): \`${BUN} --version\` fails`,
    );
  }
}
