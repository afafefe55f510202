/** Which file an LDB is, so that a changelog is known to tell of this one. */
import { statSync } from "node:fs";
import type { OpenedLdb } from "../../ldb/ldb-folder.ts";

/** An adopted plain file has no generation: it is known by its place on the disk, which a copy does not share. */
export function identityOf({ generation, path }: Pick<OpenedLdb, "generation" | "path">): string {
  return generation ?? `plain-${statSync(path).ino}`;
}
