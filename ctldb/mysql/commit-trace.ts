/** Finds out what became of a COMMIT whose answer was lost: by what only that transaction would have left. */
import { CtlstoreError } from "../../core/errors.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { bytesLiteral, textLiteral } from "../../core/sql/literals.ts";
import type { LedgerTail } from "../store.ts";
import { MysqlSession, type MysqlTarget } from "./session.ts";

export interface CommitTraceDeps {
  readonly target: MysqlTarget;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Waits behind the lost transaction for the ledger lock, so that its end is decided, then looks for its traces.
 * @throws CtlstoreError `commit_outcome_unknown` when the ctldb stays away
 */
export async function wasCommitted(tail: LedgerTail, deps: CommitTraceDeps): Promise<boolean> {
  const { target, logger, clock } = deps;
  const backoff = createBackoff({ baseMs: 50, maxMs: 1_000 });
  const deadlineMs = clock.monotonicMs() + target.timeouts.resolveCommitMs;
  for (;;) {
    try {
      await using session = await MysqlSession.connect(target);
      const results = await session.run(
        `BEGIN;UPDATE locks SET clock = clock + 1 WHERE id = 'ledger';${traceOf(tail)};ROLLBACK`,
      );
      const committed = Number(results[2]?.rows[0]?.[0]) > 0;
      logger.warn({ committed }, "the answer to a commit was lost; asked the ctldb what became of it");
      return committed;
    } catch (cause) {
      if (clock.monotonicMs() > deadlineMs) throw outcomeUnknown(cause);
      await clock.sleep(backoff.nextMs());
    }
  }
}

function outcomeUnknown(cause: unknown): CtlstoreError {
  return new CtlstoreError(
    "commit_outcome_unknown",
    "Cannot tell whether the write was committed: the ctldb went away",
    {
      cause,
      hint: "read the cookie when the service is back: it moved if the write was committed",
      retryAfterSeconds: 5,
    },
  );
}

/** A SELECT that counts what only this transaction would have left. */
function traceOf({ entries, cookies, newFamilies, auditId }: LedgerTail): string {
  if (auditId !== undefined)
    return `SELECT COUNT(*) FROM ctlstore_audit WHERE entry_id = ${textLiteral(auditId)}`;
  const last = entries.at(-1);
  if (last !== undefined) {
    return `SELECT COUNT(*) FROM ctlstore_dml_ledger WHERE seq = ${last.sequence} AND hash = ${bytesLiteral(last.hash)}`;
  }
  const cookie = cookies.at(-1);
  if (cookie !== undefined) {
    return `SELECT COUNT(*) FROM mutators WHERE writer = ${textLiteral(cookie.writer)} AND cookie = ${bytesLiteral(cookie.cookie)}`;
  }
  return `SELECT COUNT(*) FROM families WHERE name IN (${["", ...newFamilies].map(textLiteral).join(",")})`;
}
