/**
 * Commits writes that wait for the ledger lock together: one transaction, each write in its own savepoint (D11, D12).
 *
 * While one group is being committed the next one gathers. Within a group writes keep their order of arrival, and a
 * write that fails (credentials, cookie, limits, a statement that the database refuses) fails alone. Nobody is told
 * anything before the transaction has ended: what was refused was judged by what the others did.
 */
import { CtlstoreError, type ErrorCode, isCtlstoreError } from "../core/errors.ts";
import type { WriterName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Catalog } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import type { WriteRequest, WriteResult } from "./contract.ts";
import { EntryAppender } from "./ledger-tail.ts";
import type { Admissions, GroupAdmissions } from "./limits/admissions.ts";
import type { WritePlan } from "./plan-write.ts";
import type { LedgerTail, LockedLedger } from "./store.ts";
import type { WriteTrace } from "./write-trace.ts";

export interface QueuedWrite {
  readonly request: WriteRequest;
  plan: WritePlan;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
  /** Null unless the write is traced. */
  readonly trace: WriteTrace | null;
}

export interface GroupCommitDeps {
  /** Takes the ledger lock, having finished what others left unfinished. */
  readonly begin: (writers: readonly WriterName[]) => Promise<LockedLedger>;
  readonly catalogUnder: (locked: LockedLedger) => Promise<Catalog>;
  /** Makes a plan anew after a schema change; throws when the request no longer fits. */
  readonly replan: (request: WriteRequest, catalog: Catalog) => WritePlan;
  readonly admissions: Admissions;
  readonly clock: Clock;
  /** Told the number of writes of each group that was committed. */
  readonly onGroup?: (writes: number) => void;
}

/** Commits one group and settles each of its writes. Never rejects. */
export async function commitGroup(group: readonly QueuedWrite[], deps: GroupCommitDeps): Promise<void> {
  const transaction = new GroupTransaction(deps);
  for (const { trace } of group) trace?.taken(group.length);
  try {
    const sequences = await transaction.run(group);
    for (const [write, error] of transaction.failures) settleFailed(write, error);
    for (const [write, sequence] of sequences) {
      write.trace?.committed(sequence);
      write.resolve({ sequence });
    }
  } catch (error) {
    for (const write of group) settleFailed(write, error);
  }
}

function settleFailed(write: QueuedWrite, error: unknown): void {
  write.trace?.failed(error);
  write.reject(error);
}

type Sequences = ReadonlyMap<QueuedWrite, Sequence>;

class GroupTransaction {
  readonly #deps: GroupCommitDeps;
  /** When the ledger lock was taken: timestamps follow the order of the ledger as far as the clock does. */
  #timestampUs = 0;
  /** Writes whose statements have run in the open transaction. */
  readonly #applied: QueuedWrite[] = [];
  readonly #failures = new Map<QueuedWrite, unknown>();

  constructor(deps: GroupCommitDeps) {
    this.#deps = deps;
  }

  /** Why writes failed; complete when `run` resolves. */
  get failures(): ReadonlyMap<QueuedWrite, unknown> {
    return this.#failures;
  }

  async run(group: readonly QueuedWrite[]): Promise<Sequences> {
    const { begin, clock, admissions } = this.#deps;
    const locked = await begin([...new Set(group.map((write) => write.request.writer))]);
    const takenMs = clock.monotonicMs();
    this.#timestampUs = clock.nowUs();
    try {
      const planned = await this.#replanStale(group, locked);
      const admission = await admissions.forGroup(planned, locked, takenMs);
      const sequences = await this.#commitAll(planned, admission, locked);
      admission.ended(this.#failures);
      return sequences;
    } catch (error) {
      await locked.rollback().catch(() => {});
      throw error;
    }
  }

  /** Plans again what was planned with another schema than the one that holds under the lock. */
  async #replanStale(group: readonly QueuedWrite[], locked: LockedLedger): Promise<QueuedWrite[]> {
    const version = locked.head.schemaVersion;
    if (group.every((write) => write.plan.schemaVersion === version)) return [...group];
    const catalog = await this.#deps.catalogUnder(locked);
    return group.filter((write) => {
      try {
        write.plan = this.#deps.replan(write.request, catalog);
        return true;
      } catch (error) {
        this.#failures.set(write, error);
        return false;
      }
    });
  }

  async #commitAll(
    planned: readonly QueuedWrite[],
    admission: GroupAdmissions,
    locked: LockedLedger,
  ): Promise<Sequences> {
    let waiting = planned;
    for (;;) {
      const { accepted, failures, statements } = admission.judge(this.#applied, waiting);
      const writes = [...this.#applied, ...accepted];
      if (writes.length === 0) {
        this.#fail(failures);
        await locked.rollback();
        return new Map();
      }
      const { tail, sequences } = this.#tail(writes, locked, statements);
      const units = accepted.map((write) => write.plan.operations);
      const outcome = await locked.commit(units, tail).catch((error: unknown) => {
        throw ofLedger(error);
      });
      if (outcome.status === "committed") {
        this.#fail(failures);
        this.#deps.onGroup?.(sequences.size);
        return sequences;
      }
      const refused = accepted[outcome.unit];
      if (refused === undefined) throw refusedStranger();
      this.#applied.push(...accepted.slice(0, outcome.unit));
      // Those after it were judged in the belief that it would take effect: they are judged again.
      const position = waiting.indexOf(refused);
      const before = new Set(waiting.slice(0, position));
      this.#fail([...failures].filter(([write]) => before.has(write)));
      this.#failures.set(refused, outcome.error);
      waiting = waiting.slice(position + 1);
    }
  }

  #fail(failures: Iterable<readonly [QueuedWrite, unknown]>): void {
    for (const [write, error] of failures) this.#failures.set(write, error);
  }

  #tail(
    writes: readonly QueuedWrite[],
    locked: LockedLedger,
    statements: readonly string[],
  ): { tail: LedgerTail; sequences: Sequences } {
    const appender = new EntryAppender(locked.head, this.#timestampUs);
    const cookies = new Map<WriterName, { writer: WriterName; cookie: Uint8Array; moves: number }>();
    const sequences = new Map<QueuedWrite, Sequence>();
    for (const write of writes) {
      const { writer, cookie } = write.request;
      appender.appendWrite(write.plan.operations, writer, write.trace?.traceparent ?? null);
      sequences.set(write, appender.sequence);
      if (cookie !== undefined)
        cookies.set(writer, { writer, cookie, moves: (cookies.get(writer)?.moves ?? 0) + 1 });
    }
    const head = appender.head(locked.head.schemaVersion);
    const { entries } = appender;
    return {
      tail: { entries, head, cookies: [...cookies.values()], newFamilies: [], statements },
      sequences,
    };
  }
}

const BLAMES_DATA: ReadonlySet<ErrorCode> = new Set(["invalid_value", "invalid_schema"]);

/** What the database refuses of the ledger's own rows is no fault of the rows that were written: a loader would put them aside. */
function ofLedger(error: unknown): unknown {
  if (!isCtlstoreError(error) || !BLAMES_DATA.has(error.code)) return error;
  return new CtlstoreError("ctldb_incompatible", `Cannot commit to the ledger: ${error.message}`, {
    cause: error,
    hint: "the ctldb's own tables do not take what ctlstore writes: were they changed by hand?",
  });
}

function refusedStranger(): CtlstoreError {
  return new CtlstoreError(
    "internal",
    "Cannot commit a group: the database refused a write that is not in it",
  );
}
