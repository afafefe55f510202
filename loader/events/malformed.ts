/** What is wrong with a record, as an error that an operator can act on. */
import { CtlstoreError } from "../../core/errors.ts";

/** The part of a record that cannot be read. */
export type RecordPart = "key" | "value";

/** Whoever handles the record adds topic, partition and offset. */
export function malformed(
  part: RecordPart,
  state: string,
  needed: string,
  details: { readonly hint?: string; readonly field?: string; readonly cause?: unknown } = {},
): CtlstoreError {
  return new CtlstoreError(
    "event_malformed",
    `Cannot read the ${part} of a record: ${state}; ${needed}`,
    details,
  );
}
