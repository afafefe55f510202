/**
 * Writes batches exactly once through an unreliable network.
 *
 * Each batch moves the writer's cookie from the value it had to a new one, and is applied only if the old value is
 * still there. So a batch that is sent again after an answer got lost is either refused, because it was applied the
 * first time, or applied now; never twice (I3, R30).
 */
import { CtlstoreError } from "../core/errors.ts";
import { systemClock } from "../core/process/clock.ts";
import { Mutex } from "../core/process/mutex.ts";
import type { WireMutation } from "../core/wire/bodies.ts";
import { type Attempt, classify } from "./attempt.ts";
import { batchesOf } from "./batches.ts";
import { type ClientResult, errorOf } from "./client-error.ts";
import { MadeCookies, sameBytes } from "./cookies.ts";
import { type Client, createClient } from "./create-client.ts";
import { encodeBase64, encodeMutation, headerValue, type WriterMutation } from "./encode.ts";
import { Patience } from "./patience.ts";
import { type TraceHeaders, traceHeaders } from "./trace-headers.ts";
import type {
  WriteAllOptions,
  WriteAllProgress,
  WriteOptions,
  WriteOutcome,
  WriterOptions,
} from "./writer-options.ts";

const DEFAULT_RETRY_FOR_MS = 60_000;
const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_BATCH_SIZE = 100;
/** Half of what an Executive takes, since base64 and escapes are counted but not the frame around them. */
const BATCH_BYTES = 512 * 1024;

interface Batch {
  readonly family: string;
  readonly mutations: readonly WireMutation[];
  readonly cookie: Uint8Array;
  readonly checkCookie: Uint8Array;
  /** Headers by which its trace goes on. */
  readonly traced: TraceHeaders;
}

/**
 * A writer of one family. Calls are carried out one after the other.
 *
 * One name, one Writer: two that use the same name at the same time make each other's batches fail with
 * `cookie_conflict`. That is how two loaders find out that they are two.
 *
 * @example
 * const writer = new Writer({ url, writer: "importer", secret: "a secret", family: "shop" });
 * const { sequence } = await writer.write([{ table: "currency", values: { code: "EUR", digits: 2 } }]);
 */
export class Writer {
  readonly #client: Client;
  readonly #options: WriterOptions;
  readonly #headers: Record<string, string>;
  readonly #turns = new Mutex();
  readonly #madeCookies = new MadeCookies();
  /** The stored cookie, or null while it is not known. */
  #cookie: Uint8Array | null = null;

  /** @throws CtlstoreError `config_invalid` for a name or a secret that no header can have */
  constructor(options: WriterOptions) {
    this.#options = options;
    this.#client = createClient(options.url, options.fetch === undefined ? {} : { fetch: options.fetch });
    this.#headers = {
      "ctlstore-writer": headerValue("writer's name", options.writer),
      "ctlstore-secret": headerValue("secret", options.secret),
    };
  }

  /**
   * Reads the stored cookie from the server: where to go on after a restart. Empty when none was ever stored.
   * @throws CtlstoreError `bad_credentials`, `ctldb_unavailable`
   */
  readCookie(options: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    const traced = this.#traced();
    return this.#turns.run(async () => {
      return (await this.#readCookie(this.#patience(options.signal), traced)).slice();
    });
  }

  /**
   * Writes one atomic batch, trying again while the outcome is open or the Executive is busy or away.
   *
   * @throws CtlstoreError `cookie_conflict` when somebody else moved the cookie, `commit_outcome_unknown` when it gave
   *   up not knowing whether the batch was applied (compare `readCookie()` with the cookie that you gave),
   *   `ctldb_unavailable`, `overloaded` or `rate_limited` when it gave up knowing that nothing was changed, and at once
   *   whatever is wrong with the batch, such as `invalid_value` with `index` and `field`
   */
  async write(mutations: readonly WriterMutation[], options: WriteOptions = {}): Promise<WriteOutcome> {
    return this.#writeEncoded(mutations.map(encodeMutation), options);
  }

  /**
   * Writes any number of mutations in batches, in order. Each batch is atomic, all of them together are not: after an
   * error those of the last progress report stand.
   *
   * @throws what `write` throws
   */
  async writeAll(
    mutations: Iterable<WriterMutation> | AsyncIterable<WriterMutation>,
    options: WriteAllOptions = {},
  ): Promise<WriteAllProgress> {
    const limits = { mutations: options.batchSize ?? DEFAULT_BATCH_SIZE, bytes: BATCH_BYTES };
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    let progress: WriteAllProgress = { mutations: 0, batches: 0, sequence: null };
    for await (const batch of batchesOf(mutations, limits)) {
      const { sequence } = await this.#writeEncoded(batch, signal);
      progress = {
        mutations: progress.mutations + batch.length,
        batches: progress.batches + 1,
        sequence,
      };
      options.onProgress?.(progress);
    }
    return progress;
  }

  #writeEncoded(mutations: readonly WireMutation[], options: WriteOptions): Promise<WriteOutcome> {
    // A copy: the caller's bytes may change while this waits for its turn.
    const ownCookie = options.cookie?.slice();
    const ownCheck = options.checkCookie?.slice();
    const family = options.family ?? this.#options.family;
    // Now: when its turn comes, something else may be being done here.
    const traced = this.#traced(options.traceparent);
    return this.#turns.run(async () => {
      const patience = this.#patience(options.signal);
      const checkCookie = ownCheck ?? this.#cookie ?? (await this.#readCookie(patience, traced));
      const cookie = ownCookie ?? this.#madeCookies.next();
      if (sameBytes(cookie, checkCookie)) throw cookieNotMoved();
      // Until the outcome is known the cookie is not: whatever goes wrong from here, the next write asks again.
      this.#cookie = null;
      const batch = { family, mutations, cookie, checkCookie, traced };
      const outcome = await this.#untilKnown(batch, patience);
      this.#cookie = cookie;
      return outcome;
    });
  }

  async #untilKnown(batch: Batch, patience: Patience): Promise<WriteOutcome> {
    let isOpen = false;
    for (;;) {
      const attempt = await this.#send(batch, patience.signal);
      if (attempt.outcome === "applied") return { sequence: attempt.sequence, repeated: false };
      if (attempt.outcome === "refused") {
        if (isOpen) return this.#recognise(batch, attempt.error, patience);
        if (attempt.error.code !== "cookie_conflict") this.#cookie = batch.checkCookie;
        throw attempt.error;
      }
      isOpen ||= attempt.outcome === "unknown";
      await patience.pause(isOpen ? outcomeUnknown(attempt.error) : attempt.error);
    }
  }

  /**
   * An attempt was refused while the outcome of an earlier one is open. Most often because that one was applied, and
   * moved the cookie; or by somebody else's doing. A request that changes nothing and checks for our new cookie tells,
   * and brings a sequence to wait for.
   */
  async #recognise(batch: Batch, refusal: CtlstoreError, patience: Patience): Promise<WriteOutcome> {
    const { family, cookie: checkCookie, traced } = batch;
    for (;;) {
      const attempt = await this.#send({ family, mutations: [], checkCookie, traced }, patience.signal);
      if (attempt.outcome === "applied") return { sequence: attempt.sequence, repeated: true };
      if (attempt.outcome === "refused") {
        throw attempt.error.code === "cookie_conflict" ? refusal : outcomeUnknown(attempt.error);
      }
      await patience.pause(outcomeUnknown(attempt.error));
    }
  }

  async #send(
    batch: Omit<Batch, "cookie"> & Partial<Batch>,
    signal: AbortSignal | undefined,
  ): Promise<Attempt> {
    signal?.throwIfAborted();
    const body = {
      ...(batch.cookie === undefined ? {} : { cookie: encodeBase64(batch.cookie) }),
      check_cookie: encodeBase64(batch.checkCookie),
      mutations: [...batch.mutations],
    };
    const routes = this.#client.families({ family: encodeURIComponent(batch.family) });
    const result: ClientResult<{ sequence: number | string }> = await routes.mutations.post(
      body,
      this.#request(signal, batch.traced),
    );
    const attempt = classify(result);
    if (attempt.outcome !== "applied") signal?.throwIfAborted();
    return attempt;
  }

  async #readCookie(patience: Patience, traced: TraceHeaders): Promise<Uint8Array> {
    const { signal } = patience;
    for (;;) {
      signal?.throwIfAborted();
      const result: ClientResult<ArrayBuffer> = await this.#client.cookie.get(this.#request(signal, traced));
      signal?.throwIfAborted();
      if (result.data instanceof ArrayBuffer) {
        this.#cookie = new Uint8Array(result.data);
        return this.#cookie;
      }
      const error = errorOf(result);
      if (result.status < 500 && result.status !== 429) throw error;
      await patience.pause(error);
    }
  }

  /** @param given the `traceparent` of one call */
  #traced(given?: string): TraceHeaders {
    return traceHeaders(given ?? this.#options.traceparent);
  }

  #request(signal: AbortSignal | undefined, traced: TraceHeaders) {
    const timeout = AbortSignal.timeout(this.#options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS);
    return {
      headers: { ...this.#headers, ...traced },
      fetch: { signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) },
    };
  }

  #patience(signal: AbortSignal | undefined): Patience {
    const { retryForMs = DEFAULT_RETRY_FOR_MS, random, clock = systemClock } = this.#options;
    return new Patience({ retryForMs, clock, random, signal });
  }
}

function cookieNotMoved(): CtlstoreError {
  return new CtlstoreError(
    "invalid_value",
    "Cannot write with this cookie: it is the one stored already; it must differ",
    {
      field: "cookie",
      hint: "this batch may have been written before",
    },
  );
}

function outcomeUnknown(error: CtlstoreError): CtlstoreError {
  const { retryAfterSeconds } = error.details;
  return new CtlstoreError(
    "commit_outcome_unknown",
    `Cannot tell whether the batch was written: no answer came through; at last: ${error.message}`,
    {
      hint: "compare readCookie() with the cookie of the batch",
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      cause: error,
    },
  );
}
