/** Supervisors for tests: beside a real Reflector of this process, on any store, with short pauses. */
import { followReflector } from "../../../cli/followed-reflector.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { type Logger, silentLogger } from "../../../core/process/logger.ts";
import { createMetrics, type Metrics } from "../../../core/process/metrics.ts";
import type { SnapshotStore } from "../../../snapshot/stores/store.ts";
import type { SupervisorDeps, SupervisorOptions } from "../../../snapshot/supervisor/options.ts";
import { type RunningSupervisor, startSupervisor } from "../../../snapshot/supervisor/start.ts";
import type { SupervisorState, SupervisorStatus } from "../../../snapshot/supervisor/state.ts";
import type { TestReflector } from "../../reflector/harness.ts";
import { until } from "../../support/until.ts";

export interface TestSupervisor extends RunningSupervisor, AsyncDisposable {
  readonly metrics: Metrics;
  /** Waits for a state, with that text in its reason where one is given. */
  reaches(state: SupervisorState, text?: string): Promise<SupervisorStatus>;
  /** Waits until this process has published this sequence or a higher one. */
  publishes(sequence: bigint): Promise<SupervisorStatus>;
}

export async function supervise(
  reflector: Pick<TestReflector, "status" | "checkHistory">,
  store: SnapshotStore,
  options: SupervisorOptions,
  more: { readonly legacy?: NonNullable<SupervisorDeps["legacy"]>; readonly logger?: Logger } = {},
): Promise<TestSupervisor> {
  const metrics = createMetrics();
  const running = await startSupervisor(
    {
      followed: followReflector(reflector),
      store,
      logger: silentLogger,
      clock: systemClock,
      metrics,
      ...more,
    },
    { intervalMs: 30, recheckMs: 5, backoffMs: { base: 5, max: 20 }, id: "test", ...options },
  );
  const waitFor = (what: string, fits: (status: SupervisorStatus) => boolean) =>
    until(
      () => {
        const status = running.status();
        return fits(status) ? status : null;
      },
      { what, intervalMs: 2 },
    );
  return {
    ...running,
    metrics,
    reaches: (state, text = "") =>
      waitFor(`state ${state} ${text}`, (status) => {
        return status.state === state && (text === "" || (status.reason?.message ?? "").includes(text));
      }),
    publishes: (sequence) =>
      waitFor(
        `snapshot ${sequence}`,
        ({ published }) => published !== null && published.sequence >= sequence,
      ),
    [Symbol.asyncDispose]: () => running.stop(),
  };
}

/** One metric's value, by its name and labels as they are rendered. */
export async function metricOf(metrics: Metrics, name: string): Promise<number> {
  const line = (await metrics.render()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
