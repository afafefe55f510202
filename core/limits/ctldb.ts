/** The central database, as its users wait for it. See `limits.ts`. */

/** Time limits towards the central database. */
export const CTLDB_TIMEOUTS = {
  /** A black hole must not hold a request for ever. */
  connectMs: 5_000,
  /** One round trip; group commits of 4 MiB finish within a second on a healthy server. */
  queryMs: 20_000,
  /** How long one Executive waits for the ledger lock while others commit. */
  lockWaitSeconds: 10,
  /** DDL on a table at its hard size limit (100 MiB) rebuilds it: minutes on a slow disk. Clearing a family is as long. */
  ddlMs: 600_000,
  /** How long a living process may go on changing tables under a ledger lock that it has lost. */
  schemaLockGraceSeconds: 5,
  /** How long an ambiguous COMMIT is chased before the writer is told that the outcome is unknown. */
  resolveCommitMs: 5_000,
  /** How long a second start waits for the first one's set-up of the tables. */
  setupWaitSeconds: 60,
  /** After this long without a word from us the server ends the session, and with it a ledger lock of a dead host. */
  sessionIdleSeconds: 60,
} as const;

/** All of them, with other values where a caller wants them. */
export type CtlDbTimeouts = { readonly [Name in keyof typeof CTLDB_TIMEOUTS]: number };

/** How often an Executive asks for a ctldb that is away, and what it says of that (R47). */
export const CTLDB_CONNECTS = {
  /** Pauses between attempts: the longest is about what the first write after an outage waits for. */
  pauseMs: { base: 100, max: 1_500 },
  /** Up to here requests wait for the next attempt, so that nobody notices a short outage; then they are answered at once. */
  shortOutageMs: 2_000,
  /** After so many sessions in a row that broke soon, each by itself no failure, there is a pause before the next. */
  shortLifeMs: 2_000,
  shortLives: 3,
  flappingPauseMs: 500,
  /** One line in the log per outage, and one more each time that it has lasted so much longer. */
  logIntervalMs: 60_000,
} as const;
