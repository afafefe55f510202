/**
 * The runtimes that the reader is tested on besides Bun, and what each needs from npm.
 *
 * The npm packages named here bring the runtimes' own binaries, so the registry is all that has to be reachable.
 */
import { join } from "node:path";
import { ROOT } from "../setup/run.mjs";

const ARCHITECTURE = process.arch === "arm64" ? "arm64" : "x64";
const NODE_PACKAGE = `node-linux-${ARCHITECTURE}`;
const FOLDER = join(ROOT, ".cache", "runtimes");

function node(major, more = {}) {
  const name = `node${major}`;
  const folder = join(FOLDER, name);
  return {
    name,
    folder,
    packages: [`${NODE_PACKAGE}@${major}`],
    /** The Node installation, with its headers. */
    home: join(folder, "node_modules", NODE_PACKAGE),
    binary: join(folder, "node_modules", NODE_PACKAGE, "bin", "node"),
    ...more,
  };
}

export const RUNTIMES = {
  node24: node(24),
  node22: node(22),
  // Version 13 of better-sqlite3 needs Node 22. It is built from source: prebuilt ones come from elsewhere than npm.
  node20: node(20, { addon: { name: "better-sqlite3", packages: ["better-sqlite3@12", "node-gyp@11"] } }),
  deno: {
    name: "deno",
    folder: join(FOLDER, "deno"),
    packages: ["deno@2"],
    binary: join(FOLDER, "deno", "node_modules", ".bin", "deno"),
  },
};
