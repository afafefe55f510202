/**
 * What writers and the fleet use of one window: what the ctldb has of it when the ledger lock is taken, and what is
 * accepted under the lock. Written as totals in the same transaction as the rows, so that each row counts exactly once,
 * whoever writes it and whatever becomes of the answer to COMMIT (D11).
 */
import { RATE_LIMITS } from "../../core/limits.ts";
import { NO_LIMIT, RATE_WINDOW_SECONDS, windowStart } from "../../core/rates.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LockedLedgerState } from "../store.ts";
import type { Usage } from "./contract.ts";

const NOTHING: Usage = { rows: 0n, bytes: 0n };

export class WindowUsage {
  /** Unix seconds. */
  readonly window: number;
  /** Until the window ends. */
  readonly secondsLeft: number;
  readonly #before: ReadonlyMap<string, Usage>;
  readonly #now = new Map<string, Usage>();

  constructor({ usage, nowSeconds }: Pick<LockedLedgerState, "usage" | "nowSeconds">) {
    this.#before = usage;
    this.window = windowStart(nowSeconds);
    this.secondsLeft = this.window + RATE_WINDOW_SECONDS - nowSeconds;
  }

  of(name: string): Usage {
    return this.#now.get(name) ?? this.#before.get(name) ?? NOTHING;
  }

  add(name: string, { rows, bytes }: Usage): void {
    const used = this.of(name);
    this.#now.set(name, { rows: storable(used.rows + rows), bytes: storable(used.bytes + bytes) });
  }

  /** SQL that stores the totals. */
  statements(): string[] {
    if (this.#now.size === 0) return [];
    const rows = [...this.#now].map(
      ([name, used]) => `(${textLiteral(name)},${this.window},${used.rows},${used.bytes})`,
    );
    return [`REPLACE INTO writer_usage (writer_name, bucket, amount, bytes) VALUES ${rows.join(",")}`];
  }
}

/** Somebody may have written any count by hand: no write may fail for that. */
function storable(count: bigint): bigint {
  return count < NO_LIMIT ? count : NO_LIMIT;
}

/** SQL that deletes the counts of windows which ended long ago, and of those that a wrong clock has begun. */
export function deleteOldUsage(window: number): string {
  const kept = RATE_LIMITS.keepWindows * RATE_WINDOW_SECONDS;
  return `DELETE FROM writer_usage WHERE bucket < ${window - kept} OR bucket > ${window + kept}`;
}
