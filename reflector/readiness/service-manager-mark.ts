/**
 * Tells systemd how this service does, as one of Type=notify.
 *
 * READY=1 once the host is ready: `systemctl start` and units ordered after this one wait for that. Until then more
 * time is asked for as long as the event loop turns, since waiting is all that a host without its centre can do. The
 * watchdog is fed only while the loop that applies the ledger shows signs of life: a hung one is started anew (R20).
 */
import { READINESS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { ObservedStatus, Readiness } from "../state.ts";
import type { HostMark } from "./host-mark.ts";
import type { Notify } from "./sd-notify.ts";
import { statusText } from "./status-text.ts";

export interface ServiceManagerDeps {
  readonly clock: Clock;
  readonly notify: Notify;
  /** Changes whenever the Reflector's loop does anything. */
  readonly pulse: () => string;
}

export interface ServiceManagerOptions {
  /** WATCHDOG_USEC; null: nobody watches. */
  readonly watchdogUs: number | null;
  readonly hungAfterMs: number;
}

export class ServiceManagerMark implements HostMark {
  readonly #deps: ServiceManagerDeps;
  readonly #options: ServiceManagerOptions;
  readonly #stopping = new AbortController();
  #toldReady = false;
  #watched = false;
  #extendedAtMs = Number.NEGATIVE_INFINITY;
  #text: { readonly state: string; readonly value: string; readonly atMs: number } | null = null;
  #pulse: { readonly value: string; readonly sinceMs: number } | null = null;

  constructor(deps: ServiceManagerDeps, options: ServiceManagerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  show(readiness: Readiness, status: ObservedStatus): void {
    if (!this.#watched) this.#feedWatchdog();
    const nowMs = this.#deps.clock.monotonicMs();
    const lines = [...this.#readyLines(readiness, nowMs), ...this.#statusLines(readiness, status, nowMs)];
    if (lines.length === 0) return;
    const sent = this.#deps.notify(lines.join("\n"));
    if (sent && readiness.ready) this.#toldReady = true;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the Reflector ends"));
    this.#deps.notify("STOPPING=1\nSTATUS=stopping");
  }

  /** Goes on until `stop`, if there is a watchdog. */
  #feedWatchdog(): void {
    this.#watched = true;
    const { watchdogUs } = this.#options;
    if (watchdogUs === null) return;
    const { signal } = this.#stopping;
    const feed = async () => {
      while (!signal.aborted) {
        if (this.#isAlive()) this.#deps.notify("WATCHDOG=1");
        // Half of the time, as systemd advises.
        await this.#deps.clock.sleep(watchdogUs / 1000 / 2, signal).catch(() => {});
      }
    };
    void feed();
  }

  #readyLines({ ready }: Readiness, nowMs: number): readonly string[] {
    if (this.#toldReady) return [];
    if (ready) return ["READY=1"];
    const { byMs, everyMs } = READINESS_LIMITS.extendStart;
    if (nowMs - this.#extendedAtMs < everyMs) return [];
    this.#extendedAtMs = nowMs;
    return [`EXTEND_TIMEOUT_USEC=${byMs * 1000}`];
  }

  #statusLines(readiness: Readiness, status: ObservedStatus, nowMs: number): readonly string[] {
    const { state } = status;
    const before = this.#text;
    const sameState = before?.state === state;
    const everyMs = sameState ? READINESS_LIMITS.statusTextIntervalMs : READINESS_LIMITS.lookIntervalMs;
    if (before !== null && nowMs - before.atMs < everyMs) return [];
    const value = statusText(readiness, status);
    if (before?.value === value) return [];
    this.#text = { state, value, atMs: nowMs };
    return [`STATUS=${value}`];
  }

  #isAlive(): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    const value = this.#deps.pulse();
    if (this.#pulse?.value !== value) this.#pulse = { value, sinceMs: nowMs };
    return nowMs - this.#pulse.sinceMs < this.#options.hungAfterMs;
  }
}
