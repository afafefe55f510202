/** What a `Writer` takes and gives back. */
import type { Clock } from "../core/process/clock.ts";
import type { FetchLike } from "./create-client.ts";

export interface WriterOptions {
  /** Where the Executive listens, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly writer: string;
  readonly secret: string;
  /** The family of all mutations. */
  readonly family: string;
  /** How long one `write` goes on trying, in milliseconds. Default 60,000; 0 tries once. */
  readonly retryForMs?: number;
  /** How long one attempt may take, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number;
  readonly fetch?: FetchLike;
  readonly clock?: Clock;
  /** For the jitter of retries: returns 0 ≤ x < 1. */
  readonly random?: () => number;
  /**
   * The `traceparent` (W3C Trace Context) of what is being done, asked for at each call of `write` and of `readCookie`;
   * undefined for none. What is no `traceparent` is left out: a trace never makes a write fail.
   *
   * @example
   * import { context, propagation } from "@opentelemetry/api";
   * const traceparent = () => {
   *   const headers: Record<string, string> = {};
   *   propagation.inject(context.active(), headers);
   *   return headers["traceparent"];
   * };
   */
  readonly traceparent?: () => string | undefined;
}

export interface WriteOptions {
  /**
   * The cookie to store with the batch, at most 1024 bytes: an offset in your source, say. It must differ from the one
   * stored now. Without it the Writer makes one, which then replaces yours.
   */
  readonly cookie?: Uint8Array;
  /**
   * The cookie that must be stored still. Default: what this Writer knows of it, or else reads. Give it if your source's
   * position hangs on it: then a batch that follows a failed one cannot go on from what somebody else stored meanwhile.
   */
  readonly checkCookie?: Uint8Array;
  /** The family of these mutations. Default: the Writer's. */
  readonly family?: string;
  /** Gives up when aborted; whether the batch was applied may be unknown then. */
  readonly signal?: AbortSignal;
  /** The `traceparent` of this batch, in place of what the Writer's `traceparent` says. */
  readonly traceparent?: string | undefined;
}

export interface WriteOutcome {
  /** Wait for this sequence in an LDB to read what was written. */
  readonly sequence: bigint;
  /** True when an earlier attempt of this call had been applied already and its answer was lost. */
  readonly repeated: boolean;
}

export interface WriteAllOptions {
  /** Mutations per batch; default 100, what an Executive takes unless told otherwise. */
  readonly batchSize?: number;
  readonly onProgress?: (progress: WriteAllProgress) => void;
  readonly signal?: AbortSignal;
}

export interface WriteAllProgress {
  readonly mutations: number;
  readonly batches: number;
  /** Of the last batch; null before the first. */
  readonly sequence: bigint | null;
}
