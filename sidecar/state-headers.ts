/** The headers by which a client knows of which state an answer is: made once per state, but for the latency. */
import { createHash } from "node:crypto";
import { CtlstoreError } from "../core/errors.ts";
import type { StateFacts } from "../reader/stated/stated-reader.ts";

/** Also of answers without a state: what is stored changes, and nobody's browser is to guess what it is. */
export const COMMON_HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

const etags = new WeakMap<StateFacts, string>();

const ETAG_DIGITS = 16;

/**
 * The sequence, and what stands for the history and the file that it is of: after a restore a sequence may stand for other
 * rows (R4), and so it may where a damaged LDB was rebuilt (R18), or one without an entry that was passed over.
 */
function etagOf(facts: StateFacts): string {
  let etag = etags.get(facts);
  if (etag === undefined) {
    const { sequence, hash, file } = facts;
    const of = createHash("sha256")
      .update(hash ?? "")
      .update(`\0${file}`)
      .digest("hex");
    etag = `"${sequence}-${of.slice(0, ETAG_DIGITS)}"`;
    etags.set(facts, etag);
  }
  return etag;
}

/** Seconds between the newest entry of a state and now; null when the LDB does not say when that was. */
export function latencySeconds({ ledgerTimestampUs }: StateFacts, nowUs: number): number | null {
  // Below zero when this machine's clock is behind the Executive's.
  return ledgerTimestampUs === null ? null : Math.max(0, (nowUs - ledgerTimestampUs) / 1_000_000);
}

export function stateHeaders(facts: StateFacts, nowUs: number): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...COMMON_HEADERS,
    etag: etagOf(facts),
    "ctlstore-sequence": facts.sequence.toString(),
  };
  const latency = latencySeconds(facts, nowUs);
  if (latency !== null) headers["ctlstore-latency"] = latency.toFixed(3);
  return headers;
}

/** True when a client that has the answer of one of these tags need not be sent it again. */
export function matchesEtag(ifNoneMatch: string | null, facts: StateFacts): boolean {
  if (ifNoneMatch === null) return false;
  const etag = etagOf(facts);
  return ifNoneMatch.split(",").some((given) => {
    const tag = given.trim();
    return tag === "*" || tag === etag || tag === `W/${etag}`;
  });
}

/** @throws CtlstoreError `too_stale` */
export function assertFresh(facts: StateFacts, mostSeconds: number, nowUs: number): void {
  const latency = latencySeconds(facts, nowUs);
  if (latency !== null && latency <= mostSeconds) return;
  const age = latency === null ? "of unknown age" : `${latency.toFixed(3)} seconds old`;
  throw new CtlstoreError(
    "too_stale",
    `Cannot answer from the LDB: it is ${age}; at most ${mostSeconds} seconds are asked for`,
    { sequence: facts.sequence },
  );
}
