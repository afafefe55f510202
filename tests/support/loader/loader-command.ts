/** The loader's command line on Node, bundled from the sources as they are now: once per test process. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundleLoader } from "../../../scripts/build-loader.ts";
import { onTestsEnd } from "../cleanup.ts";
import { ROOT } from "../services.ts";

let built: Promise<string> | null = null;

/** Inside the project, since the Kafka client is found from where the bundle is. */
async function bundle(): Promise<string> {
  const parent = join(ROOT, ".cache", "loader-bundles");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "test-"));
  onTestsEnd(() => rmSync(folder, { recursive: true, force: true }));
  await bundleLoader(folder);
  return join(folder, "main.js");
}

/** @param args as after `ctlstore`: `loader …` */
export async function loaderCommand([command, ...args]: readonly string[]): Promise<string[]> {
  if (command !== "loader") throw new Error(`Node runs the loader's commands only, not ${command}`);
  built ??= bundle();
  return [process.env["CTLSTORE_NODE"] ?? "node", await built, ...args];
}
