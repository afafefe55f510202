/** node_modules, as package-lock.json says. Costs a few milliseconds when there is nothing to do. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, say } from "./run.mjs";

export function setUpPackages() {
  const missing = firstMissingPackage();
  if (missing === null) return;
  say(`installing packages (${missing})`);
  // Everything is a tool of the build or of the tests, whatever NODE_ENV or npm's settings say about them.
  // Their own scripts only fetch or build binaries, for minutes where there is no Internet; the steps after this one do it.
  run("npm", [
    "ci",
    "--include=dev",
    "--include=optional",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
}

/** npm keeps what it installed in node_modules/.package-lock.json: compare that with what should be there. */
function firstMissingPackage() {
  const wanted = readPackages("package-lock.json");
  if (wanted === null) throw new Error("package-lock.json is missing or damaged");
  const installed = readPackages(join("node_modules", ".package-lock.json"));
  if (installed === null) return "none are installed yet";
  for (const [path, { version, optional, peer }] of Object.entries(wanted)) {
    // Optional ones are builds for other machines; peers of a package need not be there either.
    if (path === "" || optional || peer) continue;
    if (installed[path]?.version !== version)
      return `${path.replace(/^.*node_modules\//, "")} ${version} is missing`;
  }
  return null;
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), "utf8")).packages ?? null;
  } catch {
    return null;
  }
}
