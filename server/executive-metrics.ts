/** The Executive's metrics; docs/operations.md explains each. */
import type { Metrics } from "../core/process/metrics.ts";
import type { GroupTimes } from "../ctldb/group-times.ts";
import type { RefusalObserver } from "../ctldb/limits/admissions.ts";
import type { Route } from "./route-table.ts";

export const REQUESTS_TOTAL = "ctlstore_executive_requests_total";
export const REQUEST_SECONDS = "ctlstore_executive_request_seconds";
export const REQUESTS_IN_FLIGHT = "ctlstore_executive_requests_in_flight";
export const REQUESTS_REFUSED = "ctlstore_executive_requests_refused_total";
export const ANSWER_BYTES = "ctlstore_executive_answer_bytes";
export const GROUP_WRITES = "ctlstore_executive_group_writes";
export const GROUP_LOCK_SECONDS = "ctlstore_executive_group_lock_seconds";
export const GROUP_COMMIT_SECONDS = "ctlstore_executive_group_commit_seconds";
export const RATE_LIMITED = "ctlstore_executive_rate_limited_total";
export const TABLE_FULL = "ctlstore_executive_table_full_total";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const WRITES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export interface RequestMetrics {
  started(): void;
  /** @param route the route's pattern, or "none" */
  finished(request: { route: string; method: string; status: number; seconds: number }): void;
}

export function createRequestMetrics(metrics: Metrics, routes: readonly Route[]): RequestMetrics {
  const total = metrics.counter(REQUESTS_TOTAL, "Requests answered", ["route", "method", "status"]);
  const seconds = metrics.histogram(REQUEST_SECONDS, "Time to answer a request, in seconds", SECONDS, [
    "route",
  ]);
  const inFlight = metrics.gauge(REQUESTS_IN_FLIGHT, "Requests that are being answered now");
  for (const { pattern, methods } of routes) {
    for (const method of methods) total.inc({ route: pattern, method, status: "200" }, 0);
    seconds.zero({ route: pattern });
  }
  return {
    started: () => inFlight.inc(),
    finished: (request) => {
      inFlight.dec();
      total.inc({ route: request.route, method: request.method, status: String(request.status) });
      seconds.observe({ route: request.route }, request.seconds);
    },
  };
}

export type GroupObserver = (writes: number, times: GroupTimes) => void;

/** What to give `openCtlDb` as `onGroup`: how many writes were committed together, and how long that took. */
export function createGroupObserver(metrics: Metrics): GroupObserver {
  const groups = metrics.histogram(GROUP_WRITES, "Writes committed in one transaction", WRITES);
  const lock = metrics.histogram(
    GROUP_LOCK_SECONDS,
    "Time for which a group waited for the ledger lock",
    SECONDS,
  );
  const commit = metrics.histogram(
    GROUP_COMMIT_SECONDS,
    "Time for which a group held the ledger lock, its commit included",
    SECONDS,
  );
  return (writes, { lockSeconds, commitSeconds }) => {
    groups.observe(writes);
    lock.observe(lockSeconds);
    commit.observe(commitSeconds);
  };
}

/** What to give `openCtlDb` as `onRefused`: how many writes a limit refused; whose, GET /limits/usage says. */
export function createRefusalObserver(metrics: Metrics): RefusalObserver {
  const limited = metrics.counter(RATE_LIMITED, "Writes refused by a limit of rates", ["scope"]);
  const full = metrics.counter(TABLE_FULL, "Writes refused because a table is over its hard size limit");
  for (const scope of ["writer", "fleet"]) limited.inc({ scope }, 0);
  return {
    rateLimited: (scope) => limited.inc({ scope }),
    tableFull: () => full.inc(),
  };
}
