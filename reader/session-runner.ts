/**
 * Runs reads on the right session, and again when the LDB had moved on (D16, R39).
 *
 * A second attempt runs inside a transaction on the schema of that same state, so it is the last word: what it throws
 * is true of the LDB as it is now.
 */
import type { LdbDriver } from "../ldb/connection.ts";
import type { FollowedLdb } from "./followed-ldb.ts";
import { type Session, StaleSession } from "./session.ts";
import { mayGoBetter, readerError } from "./sqlite-errors.ts";

/** One to meet a change, one to meet a replaced file, one to read on when there is no file to go to. */
const FURTHER_ATTEMPTS = 3;

export interface SessionRunnerDeps {
  readonly ldb: FollowedLdb;
  readonly driver: LdbDriver;
  readonly path: string;
}

/** What was read of a state that stays until it is released. */
export interface Held<Result> {
  readonly result: Result;
  readonly release: () => void;
}

export class SessionRunner {
  readonly #deps: SessionRunnerDeps;

  constructor(deps: SessionRunnerDeps) {
    this.#deps = deps;
  }

  /** @throws CtlstoreError, as listed at `LdbReader` */
  run<Result>(read: (session: Session) => Result): Result {
    return this.#attempt(read, (session) => session.transaction(() => read(session)));
  }

  /** As `run`, in a transaction from the beginning, which stays open. */
  hold<Result>(read: (session: Session) => Result): Held<Result> {
    const hold = (session: Session) => session.hold(() => read(session));
    return this.#attempt(hold, hold);
  }

  #attempt<Result>(first: (session: Session) => Result, again: (session: Session) => Result): Result {
    const session = this.#deps.ldb.current();
    try {
      return first(session);
    } catch (error) {
      // A snapshot's state cannot move, so neither can what is wrong with it.
      if (session.inTransaction || !mayGoBetter(this.#deps.driver, error)) throw this.#publicError(error);
    }
    return this.#attemptAgain(again);
  }

  #attemptAgain<Result>(read: (session: Session) => Result): Result {
    for (let attempt = 1; ; attempt++) {
      const session = this.#deps.ldb.follow();
      try {
        return read(session);
      } catch (error) {
        if (!(error instanceof StaleSession) || attempt >= FURTHER_ATTEMPTS) throw this.#publicError(error);
      }
    }
  }

  /** Goes to the file that is the LDB now, without waiting for a read to find out that there is another one. */
  follow(): void {
    this.#deps.ldb.follow();
  }

  #publicError(error: unknown): unknown {
    return readerError(this.#deps.driver, error, this.#deps.path);
  }

  close(): void {
    this.#deps.ldb.close();
  }
}
