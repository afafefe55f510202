/** Temporary folders that are gone after the test, and at the latest with the process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestsEnd } from "./cleanup.ts";

export interface TempFolder extends Disposable {
  readonly path: string;
  /** Path of a file or folder inside. */
  file(...parts: readonly string[]): string;
}

/** Makes an empty folder; `using` removes it at the end of the block. */
export function tempFolder(label = "test"): TempFolder {
  const path = mkdtempSync(join(tmpdir(), `ctlstore-${label}-`));
  const remove = () => rmSync(path, { recursive: true, force: true });
  const forget = onTestsEnd(remove);
  return {
    path,
    file: (...parts) => join(path, ...parts),
    [Symbol.dispose]() {
      forget();
      remove();
    },
  };
}
