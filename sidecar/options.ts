/** What a sidecar is told, and what it is unless told. */
import { LISTEN_LIMITS, SIDECAR_LIMITS } from "../core/limits.ts";
import type { TlsFiles } from "../core/process/listen.ts";

export interface SidecarOptions {
  /** The LDB's folder, or its `ldb.db`. It may be missing: reads are `ldb_not_found` until it is there. */
  readonly ldb: string;
  /** Each `host:port` or `unix:PATH`; port 0 takes any free one. */
  readonly binds: readonly string[];
  /** Most rows of an answer to a prefix; more are `too_many_rows`. */
  readonly maxRows?: number;
  /** HTTPS in place of HTTP where it listens on TCP; the file of a unix socket has rights of its own. */
  readonly tls?: TlsFiles;
  /** Most connections at a time, of each address; see `ListenOptions`. */
  readonly maxConnections?: number;
  /** Most requests under way at a time. */
  readonly maxRequests?: number;
  /** Bounds for tests and for unusual hosts; see SIDECAR_LIMITS. */
  readonly limits?: Partial<SidecarLimits>;
}

export interface SidecarLimits {
  readonly requestBytes: number;
  /** How long a request's body may take to arrive. */
  readonly requestMs: number;
  /** Of bodies that are being read, and of reads that wait for a sequence, all together. */
  readonly bodiesBytes: number;
  readonly keyedAnswerBytes: number;
  readonly pieceBytes: number;
  readonly pieceRows: number;
  readonly heldMs: number;
  readonly restBytes: number;
  readonly uncountedAnswerBytes: number;
  readonly streams: number;
  readonly waitingStreams: number;
  readonly streamTurnMs: number;
  readonly streamMs: number;
  readonly waits: number;
  readonly drainMs: number;
}

export function withDefaultLimits(given: Partial<SidecarLimits> = {}): SidecarLimits {
  return { ...SIDECAR_LIMITS, requestMs: LISTEN_LIMITS.requestMs.default, ...given };
}
