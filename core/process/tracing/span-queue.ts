/**
 * Spans that wait for a collector. Bounded, and never in anybody's way (I13): what finds no room is dropped and counted, a
 * collector that is away is tried again after pauses, and a stop ends in a time that does not depend on it.
 */
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { TRACE_LIMITS } from "../../limits.ts";
import { createBackoff } from "../backoff.ts";
import type { Logger } from "../logger.ts";
import type { Send, SendOutcome } from "./sender.ts";
import type { TraceMeter } from "./trace-metrics.ts";

export interface SpanQueueDeps {
  /** The body of one request; null when these spans cannot be written down. */
  readonly serialize: (spans: ReadableSpan[]) => Uint8Array | null;
  readonly send: Send;
  readonly meter: TraceMeter;
  readonly logger: Logger;
  /** For the jitter of pauses: returns 0 ≤ x < 1. */
  readonly random: () => number;
}

export interface SpanQueueOptions {
  readonly queueSpans: number;
  readonly batchSpans: number;
  readonly intervalMs: number;
  /** How long a stop may take. */
  readonly stopMs: number;
}

export class SpanQueue implements SpanProcessor {
  readonly #deps: SpanQueueDeps;
  readonly #options: SpanQueueOptions;
  readonly #spans: ReadableSpan[] = [];
  readonly #ending = new AbortController();
  readonly #backoff: { nextMs(): number; reset(): void };
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sending: Promise<void> | null = null;
  /** True while the collector is being left in peace. */
  #pausing = false;
  #isStopping = false;
  /** One line when it begins, one when it ends. */
  #isInTrouble = false;

  constructor(deps: SpanQueueDeps, options: SpanQueueOptions) {
    this.#deps = deps;
    this.#options = options;
    const { base: baseMs, max: maxMs } = TRACE_LIMITS.backoffMs;
    this.#backoff = createBackoff({ baseMs, maxMs }, deps.random);
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { meter } = this.#deps;
    if (this.#isStopping) meter.dropped("stopped", 1);
    else if (this.#spans.length >= this.#options.queueSpans) meter.dropped("queue_full", 1);
    else this.#add(span);
  }

  #add(span: ReadableSpan): void {
    this.#spans.push(span);
    this.#deps.meter.waiting(this.#spans.length);
    const isFull = this.#spans.length >= this.#options.batchSpans;
    if (isFull && !this.#pausing) this.#sendNow();
    else this.#sendAfter(this.#options.intervalMs);
  }

  /** Sends what waits, for a bounded time; what is left then is dropped. */
  async shutdown(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const limit = setTimeout(() => this.#ending.abort(new Error("tracing ends")), this.#options.stopMs);
    await this.#sending;
    await this.#sendAll();
    clearTimeout(limit);
    this.#drop(this.#spans.length, "stopped");
  }

  async forceFlush(): Promise<void> {
    this.#sendNow();
    await this.#sending;
  }

  #sendAfter(ms: number): void {
    if (this.#timer !== null || this.#sending !== null || this.#isStopping) return;
    this.#timer = setTimeout(() => {
      this.#pausing = false;
      this.#sendNow();
    }, ms);
    // Traces keep no process alive.
    this.#timer.unref?.();
  }

  #sendNow(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
      if (this.#spans.length > 0)
        this.#sendAfter(this.#pausing ? this.#backoff.nextMs() : this.#options.intervalMs);
    });
  }

  /** Sends batch by batch until nothing waits or the collector does not answer. Never rejects. */
  async #sendAll(): Promise<void> {
    while (this.#spans.length > 0 && !this.#ending.signal.aborted) {
      const batch = this.#spans.slice(0, this.#options.batchSpans);
      const outcome = await this.#send(batch);
      if (outcome.status === "away") {
        this.#pausing = true;
        this.#tell(outcome.reason);
        return;
      }
      this.#backoff.reset();
      if (outcome.status === "refused") {
        this.#tell(outcome.reason);
        this.#drop(batch.length, "refused");
        continue;
      }
      this.#remove(batch.length);
      this.#deps.meter.sent(batch.length);
      this.#recovered();
    }
  }

  async #send(batch: ReadableSpan[]): Promise<SendOutcome> {
    const { serialize, send } = this.#deps;
    try {
      const body = serialize(batch);
      if (body !== null) return await send(body, this.#ending.signal);
    } catch {
      // As below: a defect of whoever writes them down must end no service.
    }
    return { status: "refused", reason: "they cannot be written as OTLP" };
  }

  #remove(count: number): void {
    this.#spans.splice(0, count);
    this.#deps.meter.waiting(this.#spans.length);
  }

  #drop(count: number, reason: "refused" | "stopped"): void {
    if (count > 0) this.#deps.meter.dropped(reason, count);
    this.#remove(count);
  }

  #tell(reason: string): void {
    if (this.#isInTrouble) return;
    this.#isInTrouble = true;
    this.#deps.logger.warn({ reason }, "traces cannot be sent; nothing else is affected");
  }

  #recovered(): void {
    if (!this.#isInTrouble) return;
    this.#isInTrouble = false;
    this.#deps.logger.info({}, "traces are sent again");
  }
}
