/**
 * Reads one row from a folder that it cannot write to, and proves both: `read-once.ts FOLDER`. Prints what it read as
 * JSON, or the code of the error.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openReader } from "../../../reader/index.ts";

const folder = process.argv[2] ?? "";
try {
  writeFileSync(join(folder, "probe"), "");
  throw new Error("the folder is writable: this proves nothing");
} catch (error) {
  if (!(error instanceof Error && "code" in error)) throw error;
}
try {
  const reader = openReader({ path: folder });
  const rows = [...reader.getRowsByKeyPrefix("fam", "t1")];
  console.log(JSON.stringify({ sequence: Number(reader.getLastSequence()), rows }));
  reader.close();
} catch (error) {
  console.log(
    JSON.stringify({ code: error instanceof Error && "code" in error ? error.code : String(error) }),
  );
}
