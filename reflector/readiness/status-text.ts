/** One line for a person who asks systemd how the Reflector does. */
import type { BootstrapStatus, ObservedStatus, Readiness } from "../state.ts";

const MIB = 1024 * 1024;

/** Changes slowly where nothing happens, so that it need not be told again. */
export function statusText(readiness: Readiness, status: ObservedStatus): string {
  const { state, reason, sequence, bootstrap } = status;
  const name = readiness.ready ? state : `not ready: ${state}`;
  if (state === "bootstrapping" && bootstrap !== null) return `${name}, ${bootstrapText(bootstrap)}`;
  if (reason !== null) return `${name} at sequence ${sequence} (${reason.code})`;
  return `${name}, sequence ${sequence}${progressText(status)}`;
}

function bootstrapText({ phase, bytes, totalBytes }: BootstrapStatus): string {
  if (phase !== "downloading" || totalBytes === 0) return phase;
  return `${phase} ${percent(bytes, totalBytes)} of ${Math.ceil(totalBytes / MIB)} MiB`;
}

function progressText({ state, sequence, ledgerHeadSequence }: ObservedStatus): string {
  if (state !== "catching-up" || ledgerHeadSequence === null || ledgerHeadSequence === 0n) return "";
  return ` of ${ledgerHeadSequence} (${percent(Number(sequence), Number(ledgerHeadSequence))})`;
}

/** Rounded down: 100 % only when all is there. */
function percent(part: number, whole: number): string {
  return `${Math.floor((100 * part) / whole)} %`;
}
