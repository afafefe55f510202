/**
 * Programs of tests that must run on Node, since the Kafka client does: bundled from TypeScript, once per run of tests.
 *
 * The bundle lies inside the project, so that Node finds the packages there.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { onTestsEnd } from "../cleanup.ts";

const FOLDER = join(import.meta.dir, "..", "..", "..", ".cache", "node-programs");

const built = new Map<string, Promise<string>>();

/** @param source path of a TypeScript file @returns path of a file that Node runs */
export function buildForNode(source: string): Promise<string> {
  let path = built.get(source);
  if (path === undefined) {
    path = bundle(source);
    built.set(source, path);
  }
  return path;
}

/** The Node that the Kafka client was built for. */
export function nodeProgram(): string {
  return process.env["CTLSTORE_NODE"] ?? "node";
}

async function bundle(source: string): Promise<string> {
  const result = await Bun.build({
    entrypoints: [source],
    target: "node",
    format: "esm",
    external: ["@confluentinc/kafka-javascript"],
    throw: false,
  });
  const [artifact] = result.outputs;
  if (!result.success || artifact === undefined) {
    throw new Error(`cannot bundle ${source}:\n${result.logs.map(String).join("\n")}`);
  }
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${basename(source, ".ts")}-${process.pid}-${built.size}.mjs`);
  writeFileSync(path, await artifact.text());
  onTestsEnd(() => rmSync(path, { force: true }));
  return path;
}
