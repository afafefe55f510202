/** Signs of life of a comparison, on standard error. */
import { VERIFY_LIMITS } from "../core/limits.ts";
import type { CommandContext } from "./command.ts";

/** Says now and then how many rows of a table were read. */
export function progressNotes({ clock, note }: CommandContext): (table: string, rows: number) => void {
  let notedAtMs = clock.monotonicMs();
  return (table, rows) => {
    if (clock.monotonicMs() - notedAtMs < VERIFY_LIMITS.progressMs) return;
    notedAtMs = clock.monotonicMs();
    note(`${table.replace("___", "/")}: ${rows} rows read`);
  };
}
