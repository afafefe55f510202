/** The bar of a bootstrap, for a person who watches. Log lines say the same elsewhere. */
import { Presets, SingleBar } from "cli-progress";
import type { ReflectorObserver } from "../reflector/observer.ts";
import type { BootstrapStatus, ReflectorStatus } from "../reflector/state.ts";

const MIB = 1024 * 1024;

/** @param stream of a terminal */
export function bootstrapBar(stream: NodeJS.WritableStream = process.stderr): ReflectorObserver {
  const bar = new SingleBar(
    {
      stream,
      format: "  {phase} {bar} {percentage}% | {value}/{total} MiB | {duration_formatted}",
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  let status: (() => ReflectorStatus) | null = null;
  let isShown = false;
  const hide = () => {
    if (isShown) bar.stop();
    isShown = false;
  };
  return {
    start(ask) {
      status = ask;
    },
    changed() {
      const bootstrap = status?.().bootstrap ?? null;
      if (bootstrap === null || bootstrap.sequence === null) return hide();
      const { phase, bytes, totalBytes } = inMebibytes(bootstrap);
      if (!isShown) bar.start(totalBytes, bytes, { phase });
      isShown = true;
      // Of another size when the snapshot before a damaged one is fetched.
      if (totalBytes !== bar.getTotal()) bar.setTotal(totalBytes);
      bar.update(bytes, { phase });
    },
    async stop() {
      hide();
    },
  };
}

function inMebibytes({ phase, bytes, totalBytes }: BootstrapStatus) {
  const total = Math.max(1, Math.ceil(totalBytes / MIB));
  return {
    phase: phase.padEnd("downloading".length),
    bytes: Math.min(total, Math.ceil(bytes / MIB)),
    totalBytes: total,
  };
}
