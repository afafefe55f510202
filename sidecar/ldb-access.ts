/**
 * The LDB as the sidecar has it: opened when there is one, and followed from then on (the reader does that).
 *
 * A sidecar starts without an LDB: until there is one, every read fails with the reason (R36). How often that is tried
 * does not depend on how many ask.
 */
import { CtlstoreError } from "../core/errors.ts";
import { SIDECAR_LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import { openStatedReader } from "../reader/stated/open.ts";
import type { StatedReader } from "../reader/stated/stated-reader.ts";

export interface LdbAccessDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class LdbAccess implements Disposable {
  readonly #deps: LdbAccessDeps;
  readonly #path: string;
  #reader: StatedReader | null = null;
  #failure: unknown = null;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(deps: LdbAccessDeps, path: string) {
    this.#deps = deps;
    this.#path = path;
  }

  /** @throws CtlstoreError `ldb_not_found`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable`, `reader_closed` */
  get reader(): StatedReader {
    return this.#reader ?? this.#open();
  }

  #open(): StatedReader {
    if (this.#isClosed) throw new CtlstoreError("reader_closed", "Cannot read: the sidecar has stopped");
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#failure !== null && nowMs - this.#triedAtMs < SIDECAR_LIMITS.openEveryMs) throw this.#failure;
    this.#triedAtMs = nowMs;
    try {
      this.#reader = openStatedReader({ path: this.#path, onWarning: (warning) => this.#warn(warning) });
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#failure = null;
    this.#deps.logger.info({ path: this.#path }, "opened the LDB");
    return this.#reader;
  }

  #warn({ code, message }: { readonly code: string; readonly message: string }): void {
    this.#deps.logger.warn({ code, reason: message }, "the LDB is not as it should be");
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#reader?.[Symbol.dispose]();
    this.#reader = null;
  }
}
