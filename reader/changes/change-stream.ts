/**
 * The iterator that `changes` returns: asks the follower, waits where there is nothing, and hands out events one by one.
 *
 * It holds little while nobody asks it: one open file, and the lines of one piece of it. It waits only inside `next`, so one
 * that was forgotten costs nothing more. It ends once: by `return` quietly, by a signal or an error with a rejection.
 */
import type { ChangelogPlace } from "../../core/changelog/cursor.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import type { ChangeEvent, Changes } from "../types.ts";
import { ChangelogFiles } from "./changelog-files.ts";
import type { EndOfReader } from "./end-of-reader.ts";
import { invalidation, transactionEvents } from "./events.ts";
import { ChangesFollower, type FollowerStep } from "./follower.ts";
import type { CheckedChangesOptions } from "./options.ts";
import { type Pause, pauseUntil } from "./pause.ts";
import { type FollowedState, oldestPlace, placeNow } from "./places.ts";

export interface ChangeStreamDeps {
  readonly ldb: FollowedState;
  readonly reader: EndOfReader;
  readonly bigints: boolean;
}

type Outcome = IteratorResult<ChangeEvent, undefined>;

const DONE: Outcome = { done: true, value: undefined };

export class ChangeStream implements Changes {
  readonly #deps: ChangeStreamDeps;
  readonly #options: CheckedChangesOptions;
  /** Why it could not begin; told by the first `next`. */
  #unbegun: { readonly error: unknown } | null = null;
  #follower: ChangesFollower | null = null;
  #ready: ChangeEvent[] = [];
  #cursor: string | null = null;
  #isOver = false;
  #pause: Pause | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: ChangeStreamDeps, options: CheckedChangesOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#begin();
  }

  /** Where it begins is decided now; the file is opened when somebody asks for events. */
  #begin(): void {
    const files = new ChangelogFiles(this.#options.changelogPath);
    const deps = { files, ldb: this.#deps.ldb };
    try {
      const { since } = this.#options;
      const place: ChangelogPlace =
        since === null ? placeNow(deps) : since === "oldest" ? oldestPlace(deps) : since;
      this.#follower = new ChangesFollower(deps, place);
      this.#cursor = this.#follower.cursor;
    } catch (error) {
      this.#unbegun = { error };
    }
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  next(): Promise<Outcome> {
    const outcome = this.#turn.then(() => this.#next());
    this.#turn = outcome.catch(() => {}); // told to whoever called this
    return outcome;
  }

  async #next(): Promise<Outcome> {
    if (this.#isOver) return DONE;
    try {
      this.#throwIfStopped();
      const event = this.#nextReady() ?? (await this.#waitForEvent());
      return event === null ? DONE : { done: false, value: event };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Null when it is over: it was returned, or was not to wait for more. */
  async #waitForEvent(): Promise<ChangeEvent | null> {
    if (this.#unbegun !== null) throw this.#unbegun.error;
    this.#deps.reader.onClose(this.#free);
    while (!this.#isOver) {
      this.#throwIfStopped();
      const step = this.#follower?.next() ?? { kind: "idle" };
      this.#take(step);
      const event = this.#nextReady();
      if (event !== null) return event;
      if (step.kind === "idle" && !this.#options.follow) this.#end();
      else if (step.kind === "idle") await this.#sleep();
      else if (step.kind === "more") await turnOfEventLoop();
    }
    return null;
  }

  #take(step: FollowerStep): void {
    if (step.kind === "break") {
      this.#ready = [invalidation(step.reason, step.sequence, step.cursor)];
    } else if (step.kind === "transaction") {
      const { filter } = this.#options;
      const events = transactionEvents(step.lines, step.history, { filter, bigints: this.#deps.bigints });
      if (events.length === 0) this.#cursor = step.cursor;
      this.#ready = events.reverse();
    } else this.#cursor ??= this.#follower?.cursor ?? null;
  }

  #nextReady(): ChangeEvent | null {
    const event = this.#ready.pop();
    if (event === undefined) return null;
    this.#cursor = event.cursor;
    return event;
  }

  async #sleep(): Promise<void> {
    this.#pause = pauseUntil(this.#options.pollIntervalMs, this.#options.signal);
    await this.#pause.over;
    this.#pause = null;
  }

  #throwIfStopped(): void {
    this.#deps.reader.throwIfClosed();
    this.#options.signal?.throwIfAborted();
  }

  /** Also when the reader is closed while nobody asks for an event. */
  readonly #free = () => {
    this.#follower?.close();
    this.#pause?.end();
  };

  #end(): void {
    this.#isOver = true;
    this.#ready = [];
    this.#free();
    this.#follower = null;
    this.#deps.reader.forget(this.#free);
  }

  async return(): Promise<Outcome> {
    this.#end();
    await this.#turn;
    return DONE;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): Changes {
    return this;
  }
}
