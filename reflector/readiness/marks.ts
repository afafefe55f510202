/** Makes the marks that the options ask for; each is loaded only then. */
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { HostMark } from "./host-mark.ts";
import type { ReadinessOptions } from "./options.ts";

export interface MarkDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Returns 0 ≤ x < 1. */
  readonly random: () => number;
  /** Something that changes whenever the Reflector's loop does anything; what stays the same for long hangs. */
  readonly pulse: () => string;
}

/** @throws CtlstoreError `config_invalid` */
export async function openMarks(
  deps: MarkDeps,
  { readyFile, systemd, ecs }: ReadinessOptions,
  limits: { readonly hungAfterMs: number },
): Promise<readonly HostMark[]> {
  const marks: HostMark[] = [];
  if (readyFile !== undefined) {
    const { ReadyFile } = await import("./ready-file.ts");
    marks.push(new ReadyFile(readyFile, deps));
  }
  if (systemd !== undefined) {
    const { openNotifySocket } = await import("./sd-notify.ts");
    const { ServiceManagerMark } = await import("./service-manager-mark.ts");
    const notify = await openNotifySocket(systemd.socket, deps.logger);
    marks.push(new ServiceManagerMark({ ...deps, notify }, { ...limits, watchdogUs: systemd.watchdogUs }));
  }
  if (ecs !== undefined) {
    const { EcsMark } = await import("./ecs-mark.ts");
    const { EcsAttribute } = await import("./ecs.ts");
    marks.push(new EcsMark({ ...deps, attribute: new EcsAttribute(ecs) }));
  }
  return marks;
}
