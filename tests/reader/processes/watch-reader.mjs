/**
 * Reads an LDB on any runtime and says each answer that differs from the one before, as a line of JSON:
 * `watch-reader.mjs FOLDER [once]`. A reader that cannot be opened is tried again. The folder must not be writable.
 *
 * Plain JavaScript: Node and Deno run it as it is, beside the built package.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openReader } from "ctlstore-reader";

const PAUSE_MS = 5;
const [folder, once] = process.argv.slice(2);
try {
  writeFileSync(join(folder, "probe"), "");
  console.error("the folder is writable: this proves nothing");
  process.exit(3);
} catch {}

let reader = null;
let said = "";

function answer() {
  try {
    reader ??= openReader({ path: folder, onWarning: () => {} });
    return reader.snapshot((reads) => {
      const rows = [...reads.getRowsByKeyPrefix("fam", "tbl")];
      const sequence = Number(reads.getLastSequence());
      const isWhole = rows.length === 2 && rows.every((row) => row.v === String(sequence));
      return isWhole ? { sequence } : { torn: rows, sequence };
    });
  } catch (error) {
    return { code: error.code ?? String(error) };
  }
}

do {
  const text = JSON.stringify(answer());
  if (text !== said) console.log(text);
  said = text;
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
} while (once === undefined);
reader?.close();
