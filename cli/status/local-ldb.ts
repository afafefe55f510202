/** A local database on the status page, read beside whoever writes it. */
import { realpathSync } from "node:fs";
import { isCtlstoreError } from "../../core/errors.ts";
import { type PartLook, part, problem } from "./part.ts";

/** The look, and what scripts get of it beside. */
export interface LdbLook {
  readonly look: PartLook;
  readonly read: { readonly sequence: bigint; readonly ledgerLatencySeconds: number } | null;
}

export async function lookAtLdb(path: string): Promise<LdbLook> {
  try {
    const { ldbFilePath } = await import("../../reader/followed-ldb.ts");
    const { openReader } = await import("../../reader/index.ts");
    const { LdbView } = await import("../../ldb/ldb-view.ts");
    using reader = openReader({ path });
    const read = { sequence: reader.getLastSequence(), ledgerLatencySeconds: reader.getLedgerLatency() };
    using view = LdbView.openFile(realpathSync(ldbFilePath(path)));
    const { epoch, skips, tables } = view;
    const look = part({
      part: "ldb",
      where: path,
      health: skips === 0 ? "well" : "notice",
      state: "readable",
      sequence: read.sequence,
      epoch,
      entryAgeSeconds: read.ledgerLatencySeconds,
      facts: [`${tables.length} tables`, ...(skips === 0 ? [] : [`passed over ${skips} ledger entries`])],
    });
    return { look, read };
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    const { code, message, details } = error;
    const problems = [problem(message, { code, hint: details.hint ?? null })];
    return {
      look: part({ part: "ldb", where: path, health: "unwell", state: "not readable", problems }),
      read: null,
    };
  }
}
