/** A program that does nothing, compiled: what every binary is at least. */
import { writeFileSync } from "node:fs";
import type { TempFolder } from "../support/temp-folder.ts";

/** Compiles it into the folder; about half a second. */
export async function emptyBinary(folder: TempFolder): Promise<string> {
  const source = folder.file("empty.ts");
  const outfile = folder.file("empty");
  writeFileSync(source, "");
  await Bun.build({ entrypoints: [source], target: "bun", compile: { outfile } });
  return outfile;
}
