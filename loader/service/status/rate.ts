/** How fast a counter goes up, over the last seconds. */
import { LOADER_LIMITS } from "../../../core/limits.ts";

export class Rate {
  #samples: { readonly atMs: number; readonly count: number }[] = [];

  /** Call it often. */
  note(atMs: number, count: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < LOADER_LIMITS.rate.sampleMs) return;
    this.#samples.push({ atMs, count });
    if (this.#samples.length > LOADER_LIMITS.rate.samples) this.#samples.shift();
  }

  /** Per second, up to now. */
  perSecond(nowMs: number, count: number): number {
    const [first] = this.#samples;
    if (first === undefined || nowMs <= first.atMs) return 0;
    return Math.round(((count - first.count) * 1000) / (nowMs - first.atMs));
  }
}
