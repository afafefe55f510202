/** What a read may ask for in its query: `?min-sequence=`, `?timeout=`, `?max-staleness=`. */
import { CtlstoreError, quote } from "../core/errors.ts";
import { SIDECAR_LIMITS } from "../core/limits.ts";

export interface ReadParameters {
  /** The read waits until the LDB holds this sequence. */
  readonly minSequence: bigint | null;
  readonly timeoutMs: number;
  /** The read is refused when the newest ledger entry of its state is older. */
  readonly maxStalenessSeconds: number | null;
}

const NOTHING: ReadParameters = {
  minSequence: null,
  timeoutMs: SIDECAR_LIMITS.waitMs.default,
  maxStalenessSeconds: null,
};
const LARGEST = 2n ** 63n - 1n;

/** @param query as in the URL, without "?"; unknown names are ignored @throws CtlstoreError `malformed_request` */
export function parseReadParameters(query: string): ReadParameters {
  if (query === "") return NOTHING;
  const given = new URLSearchParams(query);
  return {
    minSequence: sequenceOf(given.get("min-sequence")),
    timeoutMs: timeoutOf(given.get("timeout")) ?? NOTHING.timeoutMs,
    maxStalenessSeconds: secondsOf(given.get("max-staleness")),
  };
}

function sequenceOf(text: string | null): bigint | null {
  if (text === null) return null;
  const sequence = /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
  if (sequence >= 0n && sequence <= LARGEST) return sequence;
  throw unusable("min-sequence", text, "a sequence, from 0 to 2^63-1");
}

/** `1500`, `1500ms` or `2s`. */
function timeoutOf(text: string | null): number | null {
  if (text === null) return null;
  const [, digits = "", unit] = /^(\d{1,9})(ms|s)?$/.exec(text) ?? [];
  const timeoutMs = digits === "" ? Number.NaN : Number(digits) * (unit === "s" ? 1_000 : 1);
  const most = SIDECAR_LIMITS.waitMs.max;
  if (timeoutMs <= most) return timeoutMs;
  throw unusable("timeout", text, `milliseconds, or a number with ms or s, up to ${most}ms`);
}

function secondsOf(text: string | null): number | null {
  if (text === null) return null;
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw unusable("max-staleness", text, "seconds, such as 30 or 0.5");
}

function unusable(name: string, text: string, needed: string): CtlstoreError {
  return new CtlstoreError(
    "malformed_request",
    `Cannot use ${quote(text)} for ?${name}=: it needs to be ${needed}`,
  );
}
