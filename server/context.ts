/** What every route of the Executive is given. */
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import type { CtlDb } from "../ctldb/contract.ts";

export interface AppDeps {
  readonly ctldb: CtlDb;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export interface AppLimits {
  /** Largest request body in bytes. */
  readonly requestBytes: number;
  readonly mutationsPerRequest: number;
}

export interface AppOptions {
  /** What `Authorization: Bearer …` must carry on every route but those of `OPEN_ROUTES`. */
  readonly adminToken: string;
  /** Allows DELETE of tables and of all rows. Off unless said. */
  readonly destructiveSchemaChanges?: boolean;
  readonly limits?: Partial<AppLimits>;
}

/** `AppDeps` and `AppOptions` with every default filled in. */
export interface RouteContext extends AppDeps {
  readonly destructiveSchemaChanges: boolean;
  readonly limits: AppLimits;
}
