/** Progress of a load: a bar on a terminal, a line now and then elsewhere. */
import { Presets, SingleBar } from "cli-progress";
import type { LoadProgress } from "./load.ts";

export interface ProgressView {
  show(progress: LoadProgress): void;
  end(): void;
}

/** Lines of a log that nobody watches: every fifth of the way. */
const LINES = 5;

export function createProgressView(interactive: boolean, out: (line: string) => void): ProgressView {
  return interactive ? barView() : lineView(out);
}

function barView(): ProgressView {
  const bar = new SingleBar(
    {
      format: "  loading {bar} {percentage}% | {value}/{total} rows | {duration_formatted}",
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  let started = false;
  return {
    show({ rows, totalRows }) {
      if (started) bar.update(rows);
      else bar.start(totalRows, rows);
      started = true;
    },
    end: () => {
      if (started) bar.stop();
    },
  };
}

function lineView(out: (line: string) => void): ProgressView {
  let shown = -1;
  return {
    show({ rows, totalRows }) {
      const step = totalRows === 0 ? LINES : Math.floor((rows * LINES) / totalRows);
      if (step === shown) return;
      shown = step;
      out(`  loaded ${rows} of ${totalRows} rows`);
    },
    end: () => {},
  };
}
