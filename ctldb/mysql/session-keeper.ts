/**
 * Keeps one session, made when first needed and again after it broke; callers at the same time share it, and the
 * attempt to make it.
 */
import { CtlstoreError } from "../../core/errors.ts";
import { CTLDB_CONNECTS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { ConnectGate } from "./connect-gate.ts";
import { MysqlSession, type MysqlTarget } from "./session.ts";

export interface SessionKeeperDeps {
  readonly target: MysqlTarget;
  /** That of the store: one for all its keepers. */
  readonly gate: ConnectGate;
  readonly clock: Clock;
}

export class SessionKeeper implements AsyncDisposable {
  readonly #deps: SessionKeeperDeps;
  readonly #closing = new AbortController();
  #session: MysqlSession | null;
  #connecting: Promise<MysqlSession> | null = null;
  #connectedMs = Number.NEGATIVE_INFINITY;
  /** Sessions in a row that broke soon after they were made. */
  #shortLived = 0;

  constructor(deps: SessionKeeperDeps, first: MysqlSession | null = null) {
    this.#deps = deps;
    this.#session = first;
  }

  /** @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
  async get(): Promise<MysqlSession> {
    // Whoever is late must not connect again: nobody would close that connection.
    this.#closing.signal.throwIfAborted();
    if (this.#session !== null && !this.#session.broken) return this.#session;
    if (this.#connecting !== null) this.#deps.gate.assertWorthWaiting();
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<MysqlSession> {
    const { target, gate, clock } = this.#deps;
    const { signal } = this.#closing;
    try {
      if (this.#isFlapping()) await clock.sleep(CTLDB_CONNECTS.flappingPauseMs, signal);
      this.#session = await gate.pass(() => MysqlSession.connect(target), signal);
      this.#connectedMs = clock.monotonicMs();
      return this.#session;
    } finally {
      this.#connecting = null;
    }
  }

  /** A server that takes us in and then breaks every session, as a replica does that is no primary any more. */
  #isFlapping(): boolean {
    const { shortLifeMs, shortLives } = CTLDB_CONNECTS;
    const livedMs = this.#deps.clock.monotonicMs() - this.#connectedMs;
    this.#shortLived = livedMs < shortLifeMs ? this.#shortLived + 1 : 0;
    return this.#shortLived > shortLives;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(
      new CtlstoreError("ctldb_unavailable", "Cannot use the ctldb: the Executive is stopping"),
    );
    await this.#connecting?.catch(() => {});
    await this.#session?.[Symbol.asyncDispose]();
  }
}
