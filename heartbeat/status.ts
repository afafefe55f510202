/** What a heartbeat says about itself, and the HTTP face that shows it. It answers with the Executive away (R46). */
import type { TlsFiles } from "../core/process/listen.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import { type StatusEndpoint, startStatusEndpoint } from "../core/process/status-endpoint.ts";

export interface HeartbeatStatus {
  readonly version: string;
  /** `beating`: the last beat was written. `failing`: it was not; tried again with growing pauses. */
  readonly state: "starting" | "beating" | "failing";
  /** Why the last beat was not written. */
  readonly reason: { readonly code: string; readonly message: string } | null;
  /** Seconds since the last beat was written, or since the start, by a clock that nobody sets. */
  readonly ageSeconds: number;
  /** Sequence of the last beat that was written; null before the first. */
  readonly lastSequence: bigint | null;
}

export interface ServeHeartbeatOptions {
  /** `host:port` or `unix:PATH`; port 0 takes any free one. */
  readonly bind: string;
  readonly tls?: TlsFiles;
}

/** Answers /status, /healthz, /readyz (200 while it beats) and /metrics. @throws CtlstoreError `config_invalid` */
export function serveHeartbeat(
  heartbeat: { status(): HeartbeatStatus },
  deps: { readonly metrics: Metrics; readonly logger: Logger },
  options: ServeHeartbeatOptions,
): Promise<StatusEndpoint> {
  const readiness = () => {
    const { state, reason, ageSeconds } = heartbeat.status();
    return { ready: state === "beating", state, reason, ageSeconds };
  };
  return startStatusEndpoint({ status: () => heartbeat.status(), readiness, ...deps }, options);
}
