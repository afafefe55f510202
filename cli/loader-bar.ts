/** The bar of a loader that runs to the end, for a person who watches. */
import { Presets, SingleBar } from "cli-progress";
import type { LoaderStatus } from "../loader/service/status/status.ts";

const INTERVAL_MS = 200;

export interface LoaderBar {
  /** Everything has been loaded. */
  finish(): void;
  /** Leaves it as it is. Harmless after `finish`. */
  stop(): void;
}

/** Shows it until its end. @param stream of a terminal */
export function loaderBar(
  status: () => LoaderStatus,
  stream: NodeJS.WritableStream = process.stderr,
): LoaderBar {
  const bar = new SingleBar(
    { stream, format: "  {bar} {percentage}% | {value}/{total} events | {rows} rows", hideCursor: true },
    Presets.shades_classic,
  );
  let isShown = false;
  /** @param unknown what to take the lag for when it is not known */
  const show = (unknown: number | null) => {
    const { totals, lagEvents: known } = status();
    const lagEvents = known ?? unknown;
    if (lagEvents === null) return;
    const total = Math.max(1, totals.records + lagEvents);
    if (!isShown) bar.start(total, totals.records, { rows: totals.rows });
    isShown = true;
    if (total !== bar.getTotal()) bar.setTotal(total);
    bar.update(totals.records, { rows: totals.rows });
  };
  const timer = setInterval(() => show(null), INTERVAL_MS);
  timer.unref();
  const stop = () => {
    clearInterval(timer);
    if (isShown) bar.stop();
    isShown = false;
  };
  return {
    finish() {
      // A loader that has ended has no lanes, and knows of no lag.
      if (isShown) show(0);
      stop();
    },
    stop,
  };
}
