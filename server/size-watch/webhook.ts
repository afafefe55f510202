/**
 * Calls of a webhook: one POST after the other, tried again with pauses, and given up in the end. Nothing waits for it.
 *
 * The address is a secret to us, as those of chat services are: only its origin is ever logged.
 */
import { TABLE_SIZE_LIMITS } from "../../core/limits.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";

export interface WebhookDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each call that failed, one that will be tried again too. */
  readonly onFailure?: () => void;
}

export interface WebhookLimits {
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backoffMs: { readonly base: number; readonly max: number };
  readonly queued: number;
}

/** A call that failed; its text has nothing of the address. */
class FailedCall extends Error {
  readonly mayPass: boolean;

  constructor(message: string, mayPass: boolean) {
    super(message);
    this.mayPass = mayPass;
  }
}

export class Webhook {
  readonly #url: string;
  readonly #deps: WebhookDeps;
  readonly #limits: WebhookLimits;
  readonly #origin: string;
  readonly #queue: unknown[] = [];
  readonly #stopping = new AbortController();
  #sending: Promise<void> | null = null;

  constructor(url: string, deps: WebhookDeps, limits: WebhookLimits = TABLE_SIZE_LIMITS.webhook) {
    this.#url = url;
    this.#deps = deps;
    this.#limits = limits;
    this.#origin = new URL(url).origin;
  }

  /** Queues a call; where too many wait, the oldest is given up. */
  send(body: unknown): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#queue.length >= this.#limits.queued) {
      this.#queue.shift();
      this.#deps.onFailure?.();
      const fields = { webhook: this.#origin, queued: this.#limits.queued };
      this.#deps.logger.error(fields, "webhook is too slow: a call was given up");
    }
    this.#queue.push(body);
    this.#sending ??= this.#drain();
  }

  /** Gives up what is queued and under way. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the Executive is stopping"));
    await this.#sending;
  }

  async #drain(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#queue.length > 0 && !signal.aborted) await this.#deliver(this.#queue.shift(), signal);
    this.#sending = null;
  }

  /** Never rejects. */
  async #deliver(body: unknown, signal: AbortSignal): Promise<void> {
    const { attempts, backoffMs } = this.#limits;
    const backoff = createBackoff({ baseMs: backoffMs.base, maxMs: backoffMs.max });
    for (;;) {
      try {
        await this.#post(body, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.onFailure?.();
        const waitMs = backoff.nextMs();
        const isLast = backoff.attempts >= attempts || (error instanceof FailedCall && !error.mayPass);
        this.#tell(error, backoff.attempts, isLast);
        if (isLast) return;
        await this.#deps.clock.sleep(waitMs, signal).catch(() => {});
        if (signal.aborted) return;
      }
    }
  }

  #tell(error: unknown, attempts: number, isLast: boolean): void {
    const fields = { webhook: this.#origin, reason: reasonOf(error), attempts };
    if (isLast) this.#deps.logger.error(fields, "webhook cannot be called: the call was given up");
    else this.#deps.logger.warn(fields, "webhook cannot be called: it will be tried again");
  }

  async #post(body: unknown, signal: AbortSignal): Promise<void> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "ctlstore" },
      body: JSON.stringify(body),
      // A receiver that moved must be configured: what it would be sent to is nobody's choice here.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#limits.timeoutMs)]),
    });
    // Unread, it would keep its connection.
    await response.body?.cancel();
    if (response.ok) return;
    const mayPass = response.status >= 500 || response.status === 408 || response.status === 429;
    throw new FailedCall(`it answered ${response.status}`, mayPass);
  }
}

/** Never the text of fetch's own errors, some of which quote the address. */
function reasonOf(error: unknown): string {
  if (error instanceof FailedCall) return error.message;
  if (error instanceof Error && error.name === "TimeoutError") return "it did not answer in time";
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  return `it could not be reached (${code})`;
}
