/**
 * A file system under `node:fs` that a test takes away at any operation, as a kill does: what came before is done, the
 * operation itself is not, or by half where it is a write, and nothing comes after.
 *
 * SQLite has its own way to the disk: what it has committed stays, and what is open is undone by whoever closes it.
 */
import { mock } from "bun:test";
import * as nodeFs from "node:fs";

const real = { ...nodeFs };

/** Thrown by the operation that the kill comes at, and by all after it. */
export class Killed extends Error {}

export interface Kill {
  /** Operations that are done before. */
  readonly after: number;
  /** A write is done by half. */
  readonly byHalf: boolean;
  /** The operation fails with this error of the system, and so many as this after it; then the disk is well again. */
  readonly fails?: { readonly code: string; readonly times: number };
}

export class KilledFiles implements Disposable {
  /** Called before each operation, with the file system as it is then. */
  onOperation: () => void = () => {};
  readonly #open = new Set<number>();
  #kill: Kill | null = null;
  #done = 0;
  #isDead = false;
  #isPaused = false;

  constructor() {
    mock.module("node:fs", () => ({ ...this.#module(), default: this.#module() }));
  }

  /** Operations since the kill was chosen. */
  get done(): number {
    return this.#done;
  }

  /** Runs until the kill. @returns whether it came */
  run(kill: Kill, work: () => void): boolean {
    this.#kill = kill;
    this.#done = 0;
    try {
      work();
    } catch (error) {
      if (!this.#isDead) throw error;
    }
    const { after, fails } = kill;
    if (fails !== undefined) return this.#done > after;
    if (this.#isDead !== this.#done > after) throw new Error("the kill came at another operation");
    return this.#isDead;
  }

  /** Gives back what the process that was killed held. */
  bury(): void {
    this.#kill = null;
    this.#isDead = false;
    for (const descriptor of this.#open) real.closeSync(descriptor);
    this.#open.clear();
  }

  /** An operation that is not one of files. */
  pass(): void {
    this.#before(() => {});
  }

  [Symbol.dispose](): void {
    mock.module("node:fs", () => ({ ...real, default: real }));
  }

  /** @param doHalf what is left of an operation that the kill came into the middle of */
  #before(doHalf: () => void): void {
    if (this.#kill === null || this.#isPaused) return;
    if (this.#isDead) throw new Killed("the process is dead");
    this.#isPaused = true;
    try {
      this.onOperation();
    } finally {
      this.#isPaused = false;
    }
    this.#done += 1;
    const { after, byHalf, fails } = this.#kill;
    if (this.#done <= after || (fails !== undefined && this.#done > after + fails.times)) return;
    if (byHalf) doHalf();
    if (fails !== undefined)
      throw Object.assign(new Error(`the disk says ${fails.code}`), { ...fails, syscall: "any" });
    this.#isDead = true;
    throw new Killed("the process was killed");
  }

  #module() {
    const changing = ["renameSync", "rmSync", "ftruncateSync", "fsyncSync", "mkdirSync"] as const;
    const guarded = Object.fromEntries(
      changing.map((name) => [
        name,
        (...args: unknown[]) => {
          this.#before(() => {});
          return (real[name] as (...given: unknown[]) => unknown)(...args);
        },
      ]),
    );
    return { ...real, ...guarded, ...this.#descriptorCalls() };
  }

  #descriptorCalls() {
    const isCounted = () => this.#kill !== null && !this.#isPaused;
    return {
      openSync: (...args: Parameters<typeof real.openSync>) => {
        this.#before(() => {});
        const descriptor = real.openSync(...args);
        if (isCounted()) this.#open.add(descriptor);
        return descriptor;
      },
      closeSync: (descriptor: number) => {
        if (isCounted() && this.#isDead) throw new Killed("the process is dead");
        this.#open.delete(descriptor);
        real.closeSync(descriptor);
      },
      writeSync: (
        descriptor: number,
        bytes: Uint8Array,
        offset: number,
        length: number,
        position: number,
      ) => {
        this.#before(() => void real.writeSync(descriptor, bytes, offset, length >> 1, position));
        return real.writeSync(descriptor, bytes, offset, length, position);
      },
    };
  }
}
