/** What the readiness of a host can be told: when it is ready, and who hears of it. */

export interface ReadinessOptions {
  /** Lag up to which the host is ready and healthy. */
  readonly lagSeconds?: number;
  /** How long a host with data waits for a ctldb that does not answer before it is ready without it. */
  readonly withoutCtldbSeconds?: number;
  /** A file that is there while the host is ready. */
  readonly readyFile?: string;
  readonly systemd?: SystemdOptions;
  readonly ecs?: EcsOptions;
}

/** What systemd gives a service of Type=notify in its environment. */
export interface SystemdOptions {
  /** NOTIFY_SOCKET: a path, or a name that begins with `@`. */
  readonly socket: string;
  /** WATCHDOG_USEC, when it is meant for this process; null: nobody watches. */
  readonly watchdogUs: number | null;
}

export interface EcsOptions {
  /** Where the ECS agent of this host tells its cluster and container instance. */
  readonly agentUrl: string;
  /** Name or ARN; absent: the agent is asked. */
  readonly cluster?: string;
  /** ARN or id; absent: the agent is asked. */
  readonly containerInstance?: string;
  /** AWS_REGION; absent: the one in the container instance's ARN. */
  readonly region?: string;
}

/**
 * Reads what systemd gave this process.
 * @param environment NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are looked at
 */
export function systemdOptions(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): SystemdOptions | undefined {
  const socket = environment["NOTIFY_SOCKET"] ?? "";
  if (socket === "") return undefined;
  const watchdogUs = Number(environment["WATCHDOG_USEC"] ?? "");
  const watchedPid = environment["WATCHDOG_PID"] ?? "";
  const isOurs = watchedPid === "" || watchedPid === String(pid);
  return {
    socket,
    watchdogUs: isOurs && Number.isSafeInteger(watchdogUs) && watchdogUs > 0 ? watchdogUs : null,
  };
}
