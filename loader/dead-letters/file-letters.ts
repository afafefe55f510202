/**
 * Dead letters as lines of JSON in a file, each on the disk before the cookie moves past its record.
 *
 * A line that a crash or a full disk cut short is left as it is: the letter comes again, on a line of its own.
 */
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { CtlstoreError, messageOf, quote } from "../../core/errors.ts";
import { Mutex } from "../../core/process/mutex.ts";
import type { DeadLetter, DeadLetters } from "./dead-letters.ts";
import { letterLine } from "./letter-line.ts";

/** The events of a system of record: nobody else's business. */
const MODE = 0o600;

/** @throws CtlstoreError `dead_letters_unavailable` */
export async function openFileLetters(path: string): Promise<DeadLetters> {
  try {
    const file = await open(path, "a+", MODE);
    const { size } = await file.stat();
    // A new name must survive a power cut too.
    if (size === 0) await syncFolder(dirname(path));
    return new FileLetters(path, file, size > 0 && !(await endsLine(file, size)));
  } catch (cause) {
    throw unavailable(path, cause);
  }
}

class FileLetters implements DeadLetters {
  readonly place: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #turns = new Mutex();
  /** The last line was cut short. */
  #isTorn: boolean;

  constructor(path: string, file: FileHandle, isTorn: boolean) {
    this.place = `file:${path}`;
    this.#path = path;
    this.#file = file;
    this.#isTorn = isTorn;
  }

  put(letter: DeadLetter): Promise<void> {
    return this.#turns.run(async () => {
      const line = `${this.#isTorn ? "\n" : ""}${letterLine(letter)}\n`;
      this.#isTorn = true;
      try {
        await this.#file.appendFile(line);
        await this.#file.datasync();
      } catch (cause) {
        throw unavailable(this.#path, cause);
      }
      this.#isTorn = false;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#turns.run(() => this.#file.close());
  }
}

async function endsLine(file: FileHandle, size: number): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unavailable(path: string, cause: unknown): CtlstoreError {
  return new CtlstoreError(
    "dead_letters_unavailable",
    `Cannot write dead letters to ${quote(path)}: ${messageOf(cause)}; loading does not go past an event that is kept nowhere`,
    { hint: "--dead-letter: does its folder exist, may this user write there, is the disk full?", cause },
  );
}
