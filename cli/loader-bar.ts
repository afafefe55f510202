/** The bar of a loader that runs to the end, for a person who watches. */
import { Presets, SingleBar } from "cli-progress";
import type { LoaderStatus } from "../loader/service/status.ts";

const INTERVAL_MS = 200;

/** Shows it until `stop`. @param stream of a terminal */
export function loaderBar(
  status: () => LoaderStatus,
  stream: NodeJS.WritableStream = process.stderr,
): { stop(): void } {
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
  return {
    stop() {
      clearInterval(timer);
      if (!isShown) return;
      // A loader that has ended has no lanes, and knows of no lag.
      show(0);
      bar.stop();
    },
  };
}
