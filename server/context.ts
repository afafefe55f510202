/** What every route of the Executive is given. */
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import type { BodyBudget } from "../core/process/read-body.ts";
import type { Tracer } from "../core/process/tracing/tracer.ts";
import type { CtlDb } from "../ctldb/contract.ts";
import type { AnswerBudget } from "./answer-budget.ts";

export interface AppDeps {
  readonly ctldb: CtlDb;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

export interface AppLimits {
  /** Largest request body in bytes. */
  readonly requestBytes: number;
  readonly mutationsPerRequest: number;
  /** How long a request's body may take to arrive. */
  readonly requestMs: number;
  /** What all bodies that are being read may hold together. */
  readonly bodies: BodyBudget;
  /** What large answers may hold together until they were sent. */
  readonly answers: AnswerBudget;
}

/**
 * To whom an Executive is open while there is neither an admin token nor an operator: programs of its own host, or whoever
 * can connect.
 */
export type OpenTo = "nobody" | "this-host" | "everybody";

export interface AppOptions {
  /**
   * What `Authorization: Bearer …` may carry beside the tokens of operators, on the routes that ask for one
   * (`access/route-access.ts`). It stands for an operator of the role admin.
   */
  readonly adminToken?: string | undefined;
  /** `this-host` unless said. */
  readonly openTo?: OpenTo;
  /** Allows DELETE of tables and of all rows. Off unless said. */
  readonly destructiveSchemaChanges?: boolean;
  readonly limits?: Partial<AppLimits>;
  /** Aborts when the service stops: requests that only wait for something are answered at once. */
  readonly stopping?: AbortSignal;
}

/** `AppDeps` and `AppOptions` with every default filled in. */
export interface RouteContext extends AppDeps {
  readonly destructiveSchemaChanges: boolean;
  readonly limits: AppLimits;
  readonly stopping: AbortSignal;
}
