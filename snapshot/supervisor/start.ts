/** Runs a Supervisor as a service, or for one snapshot. */
import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import { startStatusEndpoint } from "../../core/process/status-endpoint.ts";
import { refusalOf } from "./followed-ldb.ts";
import type { SupervisorDeps, SupervisorOptions } from "./options.ts";
import type { Outcome } from "./snapshot-maker.ts";
import type { SupervisorStatus } from "./state.ts";
import { Supervisor } from "./supervisor.ts";

export interface RunningSupervisor {
  status(): SupervisorStatus;
  /** Where status and metrics are served, or null. */
  readonly url: string | null;
  /** Ends the work under way and deletes its files; nothing half-published is named by the index. Twice is fine. */
  stop(): Promise<void>;
  /** Settles when the loop has ended: resolves after `stop`, rejects on a defect of ours. */
  readonly done: Promise<void>;
}

/**
 * Starts making snapshots of an LDB that a Reflector of this process writes. The store may be away.
 * @throws CtlstoreError `config_invalid` when it cannot listen on `bind`
 */
export async function startSupervisor(
  deps: SupervisorDeps,
  options: SupervisorOptions,
): Promise<RunningSupervisor> {
  const supervisor = new Supervisor(deps, options);
  const endpoint = await serve(supervisor, deps, options);
  const stopping = new AbortController();
  const done = supervisor.run(stopping.signal).finally(() => endpoint?.stop());
  // Whoever cares awaits `done`; a rejection before that must not end the process by itself.
  done.catch((error) => deps.logger.error({ err: error }, "supervisor cannot go on"));
  const { id, store } = supervisor.status();
  deps.logger.info({ id, store, url: endpoint?.url ?? null }, "supervisor started");
  return {
    status: () => supervisor.status(),
    url: endpoint?.url ?? null,
    done,
    stop: async () => {
      stopping.abort(new Error("the Supervisor was asked to stop"));
      await done.catch(() => {});
    },
  };
}

async function serve(
  supervisor: Supervisor,
  { metrics, logger }: SupervisorDeps,
  { bind, tls }: SupervisorOptions,
) {
  if (bind === undefined) return null;
  const readiness = () => {
    const { state, reason } = supervisor.status();
    return { ready: supervisor.isWell, state, reason };
  };
  metrics.beforeRender(() => supervisor.refreshMetrics());
  return startStatusEndpoint(
    { status: () => supervisor.status(), readiness, metrics, logger },
    { bind, ...(tls === undefined ? {} : { tls }) },
  );
}

/**
 * Makes one snapshot as soon as the LDB is current, and ends.
 * @throws CtlstoreError `snapshot_refused` also when the Reflector has been stuck or diverged for a while, and what
 *   freezing and the store fail with
 */
export async function superviseOnce(
  deps: SupervisorDeps,
  options: SupervisorOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const supervisor = new Supervisor(deps, options);
  try {
    await currentLdb(deps, options, signal);
    return await supervisor.runOnce(signal);
  } finally {
    supervisor.close();
  }
}

/** A Reflector in trouble tries again and again, in other states in between: only progress counts. */
async function currentLdb(
  { followed, clock }: SupervisorDeps,
  { allowSkips = false, recheckMs = SNAPSHOT_LIMITS.recheckMs, onceTroubleMs }: SupervisorOptions,
  signal: AbortSignal,
): Promise<void> {
  const limitMs = onceTroubleMs ?? SNAPSHOT_LIMITS.onceTroubleMs;
  let { sequence } = followed.status();
  let troubleSinceMs: number | null = null;
  for (;;) {
    const status = followed.status();
    if (status.state === "current") return;
    if (status.sequence !== sequence) troubleSinceMs = null;
    sequence = status.sequence;
    if (status.state === "stuck" || status.state === "diverged") {
      troubleSinceMs ??= clock.monotonicMs();
      const refusal = refusalOf(status, { allowSkips });
      if (refusal !== null && clock.monotonicMs() - troubleSinceMs >= limitMs) throw refusal;
    }
    await clock.sleep(Math.min(recheckMs, SNAPSHOT_LIMITS.onceLookMs), signal);
  }
}
