/** What a sidecar says of itself. It answers whatever is the matter with the LDB (R46). */
import { CtlstoreError, type ErrorCode } from "../core/errors.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Metrics } from "../core/process/metrics.ts";
import { factsOf } from "./call.ts";
import type { LdbAccess } from "./ldb-access.ts";
import type { OwnAnswers } from "./routes.ts";
import { COMMON_HEADERS, latencySeconds } from "./state-headers.ts";

/** The document behind `/status`. */
export interface SidecarStatus {
  readonly version: string;
  /** The path that it was given. */
  readonly ldb: string;
  readonly listensOn: readonly string[];
  /** "ready", or why the LDB cannot be read. */
  readonly state: "ready" | ErrorCode;
  readonly reason: string | null;
  /** Decimal where a double could not hold it; null while the LDB cannot be read. */
  readonly sequence: number | string | null;
  readonly ledgerLatencySeconds: number | null;
  readonly maxRows: number;
  readonly requestsInFlight: number;
  readonly streams: number;
  readonly waitingReads: number;
}

/** The part of the status that is about the LDB. */
export type LdbState = Pick<SidecarStatus, "state" | "reason" | "sequence" | "ledgerLatencySeconds">;

/** Looks at the LDB now. */
export function ldbStateOf(access: LdbAccess, clock: Clock): LdbState {
  try {
    const facts = factsOf(access);
    const sequence = Number(facts.sequence);
    return {
      state: "ready",
      reason: null,
      sequence: Number.isSafeInteger(sequence) ? sequence : facts.sequence.toString(),
      ledgerLatencySeconds: latencySeconds(facts, clock.nowUs()),
    };
  } catch (error) {
    const { code, message } = error instanceof CtlstoreError ? error : internal(error);
    return { state: code, reason: message, sequence: null, ledgerLatencySeconds: null };
  }
}

function internal(cause: unknown): CtlstoreError {
  return new CtlstoreError("internal", `Cannot read the LDB: ${String(cause)}`, { cause });
}

export interface OwnAnswersDeps {
  readonly ldbState: () => LdbState;
  readonly status: () => SidecarStatus;
  readonly metrics: Metrics;
}

export function createOwnAnswers({ ldbState, status, metrics }: OwnAnswersDeps): OwnAnswers {
  return {
    status: () => json(200, status()),
    healthz: () => json(200, { ok: true }),
    readyz: () => {
      const state = ldbState();
      const ready = state.state === "ready";
      return json(ready ? 200 : 503, { ready, ...state });
    },
    metrics: async () =>
      new Response(await metrics.render(), {
        headers: { ...COMMON_HEADERS, "content-type": metrics.contentType },
      }),
  };
}

function json(status: number, body: unknown): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { ...COMMON_HEADERS, "content-type": "application/json" },
  });
}
