/**
 * A lane's way to the Executive: one attempt per call, so that the lane decides about every wait and shows it.
 *
 * The cookie to check is always given by the lane; what the client remembers of it is never relied on (I3).
 */
import type { WriterMutation } from "../../../client/encode.ts";
import { createClient, type FetchLike, unwrap, Writer } from "../../../client/index.ts";
import { LANE_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";

/** One request: rows of one family, applied only if the stored cookie is still `checkCookie`. */
export interface LaneBatch {
  readonly family: string;
  readonly mutations: readonly WriterMutation[];
  readonly checkCookie: Uint8Array;
  readonly cookie: Uint8Array;
  /** Of its trace, where it has one. */
  readonly traceparent?: string;
}

export interface LaneWriter {
  /** Makes the writer known; harmless when it is already. @throws CtlstoreError `writer_exists`, `bad_credentials`, … */
  register(signal: AbortSignal): Promise<void>;
  /** Empty when none was ever stored. */
  readCookie(signal: AbortSignal): Promise<Uint8Array>;
  /** Resolves when the batch was applied by this call. @throws CtlstoreError, `commit_outcome_unknown` among them */
  write(batch: LaneBatch, signal: AbortSignal): Promise<void>;
}

export interface LaneWriterOptions {
  /** Where the Executive listens. */
  readonly url: string;
  /** Without it the writer must be registered already. */
  readonly adminToken?: string;
  readonly writer: string;
  readonly secret: string;
  /** Any family of the mapping. */
  readonly family: string;
  readonly requestTimeoutMs?: number;
  readonly fetch?: FetchLike;
  readonly clock?: Clock;
}

export function createLaneWriter(options: LaneWriterOptions): LaneWriter {
  const { adminToken, requestTimeoutMs = LANE_LIMITS.requestTimeoutMs, ...others } = options;
  const writer = new Writer({ ...others, requestTimeoutMs, retryForMs: 0 });
  return {
    register: async (signal) => {
      if (adminToken === undefined) return;
      const { url, fetch } = options;
      const client = createClient(url, { adminToken, ...(fetch === undefined ? {} : { fetch }) });
      const name = encodeURIComponent(options.writer);
      const limited = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
      unwrap(await client.writers({ writer: name }).post(options.secret, { fetch: { signal: limited } }));
    },
    readCookie: (signal) => writer.readCookie({ signal }),
    write: async ({ mutations, ...batch }, signal) => {
      await writer.write(mutations, { ...batch, signal });
    },
  };
}
