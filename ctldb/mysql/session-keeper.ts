/** Keeps one session, made when first needed and again after it broke; callers at the same time share it. */
import { MysqlSession, type MysqlTarget } from "./session.ts";

export class SessionKeeper implements AsyncDisposable {
  readonly #target: MysqlTarget;
  #session: MysqlSession | null = null;
  #connecting: Promise<MysqlSession> | null = null;

  constructor(target: MysqlTarget, first: MysqlSession | null = null) {
    this.#target = target;
    this.#session = first;
  }

  /** @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
  async get(): Promise<MysqlSession> {
    if (this.#session !== null && !this.#session.broken) return this.#session;
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<MysqlSession> {
    try {
      this.#session = await MysqlSession.connect(this.#target);
      return this.#session;
    } finally {
      this.#connecting = null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connecting?.catch(() => {});
    await this.#session?.[Symbol.asyncDispose]();
  }
}
