/**
 * A file that is there while the host is ready, for whatever can look for a file and nothing more.
 *
 * It is removed at the start, since a Reflector that was killed leaves it behind, and at the end. It comes by rename:
 * whoever sees it can read all of it.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CtlstoreError, messageOf, quote } from "../../core/errors.ts";
import { stringifyJson } from "../../core/exact-json.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { ObservedStatus, Readiness } from "../state.ts";
import type { HostMark } from "./host-mark.ts";

export class ReadyFile implements HostMark {
  readonly #path: string;
  readonly #logger: Logger;
  #isThere = false;
  #failing = false;

  /** @throws CtlstoreError `config_invalid` when its folder cannot be made, or something else has its name */
  constructor(path: string, deps: { readonly logger: Logger }) {
    this.#path = resolve(path);
    this.#logger = deps.logger;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      rmSync(this.#path, { force: true });
    } catch (cause) {
      throw new CtlstoreError(
        "config_invalid",
        `Cannot use the ready file ${quote(path)}: ${messageOf(cause)}`,
        {
          cause,
          hint: "--ready-file names a file in a folder that the Reflector may write.",
        },
      );
    }
  }

  /** What fails is tried again at the next look. */
  show(readiness: Readiness, status: ObservedStatus): void {
    if (readiness.ready === this.#isThere) return;
    try {
      if (readiness.ready) this.#write(readiness, status);
      else rmSync(this.#path, { force: true });
      this.#isThere = readiness.ready;
      this.#failing = false;
    } catch (error) {
      this.#report(error);
    }
  }

  async stop(): Promise<void> {
    try {
      rmSync(this.#path, { force: true });
    } catch (error) {
      this.#report(error);
    }
  }

  #write({ readySinceUs }: Readiness, { sequence }: ObservedStatus): void {
    const staged = `${this.#path}.tmp`;
    writeFileSync(staged, `${stringifyJson({ pid: process.pid, sequence, readySinceUs })}\n`);
    renameSync(staged, this.#path);
  }

  #report(error: unknown): void {
    if (!this.#failing) this.#logger.error({ err: error, path: this.#path }, "ready file cannot be changed");
    this.#failing = true;
  }
}
