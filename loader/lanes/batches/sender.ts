/**
 * Sends one batch until its outcome is known (I3, R30).
 *
 * Whenever that is open the stored cookie tells: the new one, then the batch was applied and its answer lost; the old one,
 * then it was not, or not yet, and sending it again does no harm, since both copies check for the old cookie; any other,
 * then another loader has been here, and nothing was changed by us.
 */
import { sameBytes } from "../../../client/cookies.ts";
import { CtlstoreError, isCtlstoreError } from "../../../core/errors.ts";
import type { LaneMeter } from "../lane-meter.ts";
import type { Waits } from "../waits.ts";
import { underSignal } from "../wakeup.ts";
import type { LaneBatch, LaneWriter } from "./lane-writer.ts";

/** How a run is ended: no new work after `soft`, no work at all after `hard`. */
export interface RunSignals {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}

export class Sender {
  readonly #writer: LaneWriter;
  readonly #waits: Waits;
  readonly #meter: LaneMeter;

  constructor(writer: LaneWriter, waits: Waits, meter: LaneMeter) {
    this.#writer = writer;
    this.#waits = waits;
    this.#meter = meter;
  }

  /** Resolves when the batch has been applied. @throws CtlstoreError `cookie_conflict`, or why it was refused */
  send(batch: LaneBatch, { soft, hard }: RunSignals): Promise<void> {
    return this.#waits.untilDone(soft, () => underSignal(hard, (signal) => this.#attempt(batch, signal)));
  }

  async #attempt(batch: LaneBatch, signal: AbortSignal): Promise<void> {
    try {
      await this.#writer.write(batch, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isCtlstoreError(error)) throw error;
      if (error.code === "cookie_conflict" || error.code === "commit_outcome_unknown")
        await this.#settle(batch, error, signal);
      else throw error;
    }
  }

  async #settle(batch: LaneBatch, error: CtlstoreError, signal: AbortSignal): Promise<void> {
    const stored = await this.#writer.readCookie(signal);
    if (sameBytes(stored, batch.cookie)) return;
    if (error.code !== "cookie_conflict" && sameBytes(stored, batch.checkCookie)) throw error;
    this.#meter.conflict();
    throw new CtlstoreError(
      "cookie_conflict",
      "Cannot write the batch: another loader has moved the cookie; nothing was changed",
      { cause: error },
    );
  }
}
