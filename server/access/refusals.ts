/**
 * Counts requests with wrong credentials, and logs them at a bounded rate: guessing must show, and a flood of guesses must
 * not fill a disk. What was sent is never logged.
 */
import { ACCESS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Metrics } from "../../core/process/metrics.ts";

export const UNAUTHORIZED_TOTAL = "ctlstore_executive_unauthorized_total";

/** Whose credentials were wrong. */
export type CredentialKind = "operator" | "writer";

interface Quiet {
  /** No line before this moment. */
  untilMs: number;
  /** Refused since the last line. */
  count: number;
}

export interface Refusals {
  /** @param route the route's pattern */
  note(kind: CredentialKind, route: string): void;
}

export function createRefusals(deps: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}): Refusals {
  const total = deps.metrics.counter(
    UNAUTHORIZED_TOTAL,
    "Requests refused for wrong or missing credentials",
    ["kind"],
  );
  const quiet: Record<CredentialKind, Quiet> = {
    operator: { untilMs: Number.NEGATIVE_INFINITY, count: 0 },
    writer: { untilMs: Number.NEGATIVE_INFINITY, count: 0 },
  };
  for (const kind of Object.keys(quiet)) total.inc({ kind }, 0);
  return {
    note: (kind, route) => {
      total.inc({ kind });
      const state = quiet[kind];
      state.count += 1;
      const nowMs = deps.clock.monotonicMs();
      if (nowMs < state.untilMs) return;
      deps.logger.warn({ kind, route, requests: state.count }, "wrong or missing credentials");
      state.count = 0;
      state.untilMs = nowMs + ACCESS_LIMITS.refusalsLoggedEveryMs;
    },
  };
}
