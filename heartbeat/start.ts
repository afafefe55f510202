/**
 * The heartbeat: one row, written anew every few seconds through the write API like any other.
 *
 * So that staleness means something while nobody else writes: an LDB whose last update is old has lost its ledger, or
 * the write path is down. The heartbeat never gives up; each beat replaces the one before, so it queues nothing.
 */
import { createClient, type FetchLike, Writer } from "../client/index.ts";
import { isCtlstoreError, messageOf } from "../core/errors.ts";
import { createBackoff } from "../core/process/backoff.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import { inSpan, type Tracer } from "../core/process/tracing/tracer.ts";
import { VERSION } from "../core/version.ts";
import { createHeartbeatMeter, type HeartbeatMeter } from "./metrics.ts";
import { type HeartbeatPlace, prepareHeartbeat } from "./prepare.ts";
import type { HeartbeatStatus } from "./status.ts";

export interface HeartbeatDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** For jitter: returns 0 ≤ x < 1. */
  readonly random?: () => number;
  readonly fetch?: FetchLike;
  /** Without it nothing is measured. One heartbeat per registry. */
  readonly metrics?: Metrics;
  /** A span for each beat; absent: nothing is traced. */
  readonly tracer?: Tracer;
}

export interface HeartbeatOptions {
  /** Where the Executive listens. */
  readonly url: string;
  /** The writer's secret. */
  readonly secret: string;
  /** Default `heartbeat`. */
  readonly writer?: string;
  /** With it the family, the table and the writer are made where they are missing. */
  readonly adminToken?: string;
  /** Default `ctlstore`. */
  readonly family?: string;
  /** Default `heartbeats`. */
  readonly table?: string;
  /** Default 5,000. */
  readonly intervalMs?: number;
}

export interface RunningHeartbeat {
  /** Sequence of the last beat that was written; null before the first. */
  readonly lastSequence: bigint | null;
  status(): HeartbeatStatus;
  /** Ends it, also in the middle of a request. */
  stop(): Promise<void>;
}

/** Key of the one row. */
export const HEARTBEAT_NAME = "heartbeat";

/** In traces. */
const BEAT_SPAN = "heartbeat.beat";

const DEFAULT_INTERVAL_MS = 5_000;
/** Spread of the interval, so that several heartbeats do not beat in step. */
const JITTER = 0.1;
const BACKOFF = { baseMs: 1_000, maxMs: 30_000 };
/** A beat that takes longer is worth less than the next one. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Starts beating; it never fails, it logs. */
export function startHeartbeat(deps: HeartbeatDeps, options: HeartbeatOptions): RunningHeartbeat {
  const place: HeartbeatPlace = {
    family: options.family ?? "ctlstore",
    table: options.table ?? "heartbeats",
    writer: options.writer ?? "heartbeat",
    secret: options.secret,
  };
  const abort = new AbortController();
  const heartbeat = new Heartbeat(deps, options, place);
  const done = heartbeat.run(abort.signal);
  return {
    get lastSequence() {
      return heartbeat.status().lastSequence;
    },
    status: () => heartbeat.status(),
    stop() {
      abort.abort();
      return done;
    },
  };
}

class Heartbeat {
  readonly #meter: HeartbeatMeter | null;
  /** Of the last beat that was written, or of the start. */
  #writtenMs: number;
  #lastSequence: bigint | null = null;
  #reason: HeartbeatStatus["reason"] = null;
  readonly #deps: HeartbeatDeps;
  readonly #options: HeartbeatOptions;
  readonly #place: HeartbeatPlace;
  readonly #writer: Writer;
  /** A beat that is older shows that this loop hangs, whatever it believes (R20). */
  readonly #lateMs: number;
  #isPrepared = false;

  constructor(deps: HeartbeatDeps, options: HeartbeatOptions, place: HeartbeatPlace) {
    this.#deps = deps;
    this.#options = options;
    this.#place = place;
    this.#lateMs = (options.intervalMs ?? DEFAULT_INTERVAL_MS) * (1 + JITTER) + 3 * REQUEST_TIMEOUT_MS;
    this.#writtenMs = deps.clock.monotonicMs();
    this.#meter = deps.metrics === undefined ? null : createHeartbeatMeter(deps.metrics, () => this.status());
    this.#writer = new Writer({
      ...place,
      url: options.url,
      clock: deps.clock,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      // Trying again is up to the loop below, with a newer value.
      retryForMs: 0,
      ...(deps.fetch === undefined ? {} : { fetch: deps.fetch }),
    });
  }

  status(): HeartbeatStatus {
    const ageMs = this.#deps.clock.monotonicMs() - this.#writtenMs;
    const reason = this.#reason ?? (ageMs > this.#lateMs ? late(ageMs) : null);
    const lastSequence = this.#lastSequence;
    const fine = lastSequence === null ? "starting" : "beating";
    const state = reason === null ? fine : "failing";
    return { version: VERSION, state, reason, ageSeconds: ageMs / 1_000, lastSequence };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, random = Math.random } = this.#deps;
    const backoff = createBackoff(BACKOFF, random);
    const intervalMs = this.#options.intervalMs ?? DEFAULT_INTERVAL_MS;
    while (!signal.aborted) {
      let waitMs = intervalMs * (1 + (2 * random() - 1) * JITTER);
      try {
        await this.#beat(signal);
        if (backoff.attempts > 0) logger.info({ failures: backoff.attempts }, "heartbeat goes on");
        backoff.reset();
        this.#reason = null;
      } catch (error) {
        if (signal.aborted) break;
        this.#meter?.failed();
        this.#reason = { code: isCtlstoreError(error) ? error.code : "internal", message: messageOf(error) };
        // One warning per outage, however long it is.
        logger[backoff.attempts === 0 ? "warn" : "debug"]({ err: error }, "heartbeat failed");
        waitMs = backoff.nextMs();
      }
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    if (!this.#isPrepared) await this.#prepare(signal);
    const { clock, tracer } = this.#deps;
    const values = { name: HEARTBEAT_NAME, value: clock.nowUs() };
    const sentMs = clock.monotonicMs();
    // Should anything fail, the table or the writer may have gone: look again before the next beat.
    this.#isPrepared = false;
    const mutations = [{ table: this.#place.table, values }];
    const { sequence } = await inSpan(
      tracer,
      BEAT_SPAN,
      () => ({ kind: "client" }),
      (traced) => this.#writer.write(mutations, { signal, ...traced }),
    );
    this.#isPrepared = true;
    this.#writtenMs = clock.monotonicMs();
    this.#lastSequence = sequence;
    this.#meter?.beat((this.#writtenMs - sentMs) / 1_000);
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    const { url, adminToken } = this.#options;
    if (adminToken === undefined) return;
    const send = this.#deps.fetch ?? fetch;
    const client = createClient(url, {
      adminToken,
      fetch: (input, init) =>
        send(input, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]) }),
    });
    await prepareHeartbeat(client, this.#place);
  }
}

function late(ageMs: number): HeartbeatStatus["reason"] {
  const message = `No beat was written for ${(ageMs / 1_000).toFixed(1)} seconds`;
  return { code: "internal", message };
}
