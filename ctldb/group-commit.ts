/**
 * Commits writes that wait for the ledger lock together: one transaction, each write in its own savepoint (D11, D12).
 *
 * While one group is being committed the next one gathers. Within a group writes keep their order of arrival, and a
 * write that fails (credentials, cookie, a statement that the database refuses) fails alone.
 */
import { CtlstoreError } from "../core/errors.ts";
import { EXECUTIVE_LIMITS } from "../core/limits.ts";
import type { WriterName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Catalog } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import { assertCredentials } from "./access/secrets.ts";
import type { WriteRequest, WriteResult } from "./contract.ts";
import { EntryAppender } from "./ledger-tail.ts";
import type { WritePlan } from "./plan-write.ts";
import type { LedgerTail, LockedLedger } from "./store.ts";

export interface QueuedWrite {
  readonly request: WriteRequest;
  plan: WritePlan;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitDeps {
  /** Takes the ledger lock, having finished what others left unfinished. */
  readonly begin: (writers: readonly WriterName[]) => Promise<LockedLedger>;
  readonly catalogUnder: (locked: LockedLedger) => Promise<Catalog>;
  /** Makes a plan anew after a schema change; throws when the request no longer fits. */
  readonly replan: (request: WriteRequest, catalog: Catalog) => WritePlan;
  readonly clock: Clock;
  /** Told the number of writes of each group that was committed. */
  readonly onGroup?: (writes: number) => void;
}

/** Takes from the front of the queue what fits into one group. */
export function takeGroup(queue: QueuedWrite[]): QueuedWrite[] {
  let size = 0;
  let count = 0;
  for (const write of queue) {
    if (
      count > 0 &&
      (count >= EXECUTIVE_LIMITS.groupRequests || size + write.plan.size > EXECUTIVE_LIMITS.groupBytes)
    )
      break;
    size += write.plan.size;
    count += 1;
  }
  return queue.splice(0, count);
}

/** Commits one group and settles each of its writes. Never rejects. */
export async function commitGroup(group: readonly QueuedWrite[], deps: GroupCommitDeps): Promise<void> {
  const unsettled = new Set(group);
  const settle = {
    fail(write: QueuedWrite, error: unknown) {
      unsettled.delete(write);
      write.reject(error);
    },
    succeed(write: QueuedWrite, sequence: Sequence) {
      unsettled.delete(write);
      write.resolve({ sequence });
    },
  };
  try {
    await new GroupTransaction(deps, settle).run(group);
  } catch (error) {
    for (const write of unsettled) write.reject(error);
  }
}

interface Settle {
  fail(write: QueuedWrite, error: unknown): void;
  succeed(write: QueuedWrite, sequence: Sequence): void;
}

class GroupTransaction {
  readonly #deps: GroupCommitDeps;
  readonly #settle: Settle;
  /** When the ledger lock was taken: timestamps follow the order of the ledger as far as the clock does. */
  #timestampUs = 0;
  /** Writes whose statements have run in the open transaction. */
  readonly #applied: QueuedWrite[] = [];

  constructor(deps: GroupCommitDeps, settle: Settle) {
    this.#deps = deps;
    this.#settle = settle;
  }

  async run(group: readonly QueuedWrite[]): Promise<void> {
    const locked = await this.#deps.begin([...new Set(group.map((write) => write.request.writer))]);
    this.#timestampUs = this.#deps.clock.nowUs();
    try {
      const planned = await this.#replanStale(group, locked);
      await this.#commitAll(planned, locked);
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
        this.#settle.fail(write, error);
        return false;
      }
    });
  }

  async #commitAll(planned: readonly QueuedWrite[], locked: LockedLedger): Promise<void> {
    let waiting = planned;
    for (;;) {
      const { accepted, failures } = this.#accept(waiting, locked);
      const writes = [...this.#applied, ...accepted];
      if (writes.length === 0) {
        this.#failAll(failures);
        return locked.rollback();
      }
      const { tail, sequences } = this.#tail(writes, locked);
      const outcome = await locked.commit(
        accepted.map((write) => write.plan.operations),
        tail,
      );
      if (outcome.status === "committed") {
        this.#deps.onGroup?.(sequences.size);
        this.#failAll(failures);
        for (const [write, sequence] of sequences) this.#settle.succeed(write, sequence);
        return;
      }
      const refused = accepted[outcome.unit];
      if (refused === undefined) throw refusedStranger();
      this.#applied.push(...accepted.slice(0, outcome.unit));
      // Those after it were judged in the belief that its cookie would move: they are judged again.
      const position = waiting.indexOf(refused);
      const before = new Set(waiting.slice(0, position));
      this.#failAll(new Map([...failures].filter(([write]) => before.has(write))));
      this.#settle.fail(refused, outcome.error);
      waiting = waiting.slice(position + 1);
    }
  }

  #failAll(failures: ReadonlyMap<QueuedWrite, unknown>): void {
    for (const [write, error] of failures) this.#settle.fail(write, error);
  }

  /** Checks credentials and cookies in order of arrival, each against the state that those before it leave (I3). */
  #accept(
    waiting: readonly QueuedWrite[],
    locked: LockedLedger,
  ): { accepted: QueuedWrite[]; failures: Map<QueuedWrite, unknown> } {
    const cookies = new Map([...locked.writers].map(([name, record]) => [name, record.cookie]));
    for (const { request } of this.#applied)
      if (request.cookie !== undefined) cookies.set(request.writer, request.cookie);
    const failures = new Map<QueuedWrite, unknown>();
    const accepted = waiting.filter((write) => {
      const { writer, secret, cookie, checkCookie } = write.request;
      try {
        assertCredentials(locked.writers.get(writer) ?? null, writer, secret);
        assertCookie(cookies.get(writer) ?? new Uint8Array(), checkCookie);
      } catch (error) {
        failures.set(write, error);
        return false;
      }
      if (cookie !== undefined) cookies.set(writer, cookie);
      return true;
    });
    return { accepted, failures };
  }

  #tail(
    writes: readonly QueuedWrite[],
    locked: LockedLedger,
  ): { tail: LedgerTail; sequences: Map<QueuedWrite, Sequence> } {
    const appender = new EntryAppender(locked.head, this.#timestampUs);
    const cookies = new Map<WriterName, { writer: WriterName; cookie: Uint8Array; moves: number }>();
    const sequences = new Map<QueuedWrite, Sequence>();
    for (const write of writes) {
      const { writer, cookie } = write.request;
      appender.appendWrite(write.plan.operations, writer);
      sequences.set(write, appender.sequence);
      if (cookie !== undefined)
        cookies.set(writer, { writer, cookie, moves: (cookies.get(writer)?.moves ?? 0) + 1 });
    }
    const head = appender.head(locked.head.schemaVersion);
    return {
      tail: { entries: appender.entries, head, cookies: [...cookies.values()], newFamilies: [] },
      sequences,
    };
  }
}

function assertCookie(stored: Uint8Array, expected: Uint8Array | undefined): void {
  if (expected === undefined || Buffer.compare(stored, expected) === 0) return;
  throw new CtlstoreError("cookie_conflict", "Cannot write: check_cookie is not the stored cookie", {
    hint: "read the cookie again: another process writes under this name, or this batch was applied before",
  });
}

function refusedStranger(): CtlstoreError {
  return new CtlstoreError(
    "internal",
    "Cannot commit a group: the database refused a write that is not in it",
  );
}
