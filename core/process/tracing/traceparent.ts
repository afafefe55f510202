/**
 * The header `traceparent` of W3C Trace Context: which trace a request belongs to, and whether somebody keeps it.
 *
 * A value that is not what the standard says is as good as none: a new trace begins, and nothing fails. This file needs no
 * other, so the write client can use it at the edge.
 */

export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** Later versions may have more fields behind these four; all that a header can hold. */
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x21-\x7e]*)?$/;
const FORBIDDEN_VERSION = "ff";
const ONLY_ZEROS = /^0+$/;
const SAMPLED = 0x01;

/** The longest that is stored with a ledger entry: a `traceparent` of version 00. */
export const TRACEPARENT_CHARS = 55;

/** Null for whatever is no `traceparent`. */
export function parseTraceparent(text: string | null | undefined): TraceContext | null {
  const found = FORM.exec(text ?? "");
  if (found === null) return null;
  const [, version = "", traceId = "", spanId = "", flags = "", more] = found;
  if (version === FORBIDDEN_VERSION || (version === "00" && more !== undefined)) return null;
  if (ONLY_ZEROS.test(traceId) || ONLY_ZEROS.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** In version 00, the one that everybody reads. */
export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}
