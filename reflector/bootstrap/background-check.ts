/** Looks at the whole LDB once, in the background, while the ledger is applied to it already (R18). */
import type { CtlstoreError } from "../../core/errors.ts";
import type { Logger } from "../../core/process/logger.ts";
import { isDamage } from "./need.ts";

export interface BackgroundCheckDeps {
  /** SQLite's check of an LDB in use, elsewhere. @throws CtlstoreError `ldb_damaged` */
  readonly checkLdb: (databasePath: string, signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
  /** Called once `damage` is known. */
  readonly onDamage: () => void;
}

export class BackgroundCheck {
  readonly #deps: BackgroundCheckDeps;
  readonly #over = new AbortController();
  #damage: CtlstoreError | null = null;

  constructor(deps: BackgroundCheckDeps) {
    this.#deps = deps;
  }

  /** What was found; null while nothing was, and again once that LDB has been replaced. */
  get damage(): CtlstoreError | null {
    return this.#damage;
  }

  start(databasePath: string, signal: AbortSignal): void {
    const either = AbortSignal.any([signal, this.#over.signal]);
    this.#deps.checkLdb(databasePath, either).catch((error) => {
      if (either.aborted) return;
      if (!isDamage(error)) {
        this.#deps.logger.warn({ err: error }, "LDB could not be checked");
        return;
      }
      this.#damage = error;
      this.#deps.onDamage();
    });
  }

  /** The LDB that is looked at is not the current one any more. */
  end(): void {
    this.#over.abort(new Error("the LDB was replaced"));
    this.#damage = null;
  }
}
