/**
 * A place in the changelog, as text that a consumer keeps and gives back: `<sequence>@<history>`.
 *
 * The history is part of it since a sequence read under one history says nothing under another (`format.ts`).
 */
import { CtlstoreError, quote } from "../errors.ts";
import { type Sequence, toSequence } from "../sequence.ts";

export interface ChangelogPlace {
  /** All changes up to here are known. */
  readonly sequence: Sequence;
  /** Null where only a sequence was given: it is then meant of whatever history is current. */
  readonly history: string | null;
}

const CURSOR = /^(\d{1,19})(?:@([0-9a-f]{16}))?$/;

export function formatCursor(sequence: bigint, history: string): string {
  return `${sequence}@${history}`;
}

/** A cursor, or a sequence as a write returned it. @throws CtlstoreError `malformed_request` */
export function parseCursor(given: unknown): ChangelogPlace {
  try {
    if (typeof given === "number" || typeof given === "bigint")
      return { sequence: toSequence(given), history: null };
    const match = typeof given === "string" ? CURSOR.exec(given) : null;
    if (match?.[1] !== undefined) return { sequence: toSequence(match[1]), history: match[2] ?? null };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new CtlstoreError(
    "malformed_request",
    `Cannot follow changes since ${quote(given)}: it is no cursor; it needs one that an event had, or a ledger sequence`,
  );
}
