/** All files below a folder, while others add and remove some. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./file-errors.ts";

export interface FoundFile {
  /** Relative to the root. */
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

/**
 * Files below `root/inside`, hidden ones included; links are neither followed nor given.
 * @param inside "" or ending in a slash
 */
export async function* walkFiles(root: string, inside: string): AsyncGenerator<FoundFile> {
  for (const entry of await entriesOf(join(root, inside))) {
    const key = `${inside}${entry.name}`;
    if (entry.isDirectory()) yield* walkFiles(root, `${key}/`);
    else if (entry.isFile()) {
      const found = await fileAt(root, key);
      if (found !== null) yield found;
    }
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function fileAt(root: string, key: string): Promise<FoundFile | null> {
  try {
    const { size, mtimeMs } = await stat(join(root, key));
    return { key, bytes: size, modifiedAtMs: mtimeMs };
  } catch (error) {
    if (isMissing(error)) return null; // removed since the folder was read
    throw error;
  }
}
