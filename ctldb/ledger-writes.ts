/**
 * The way of a write: who makes it, whether there is room for it, what it means for the rows; then the queue, where it waits
 * for the ledger lock with others.
 */
import { CtlstoreError } from "../core/errors.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Catalog } from "../core/schema.ts";
import { assertGranted } from "./access/grants.ts";
import type { WriterGate } from "./access/writer-gate.ts";
import type { WriteRequest, WriteResult } from "./contract.ts";
import { commitGroup, type GroupCommitDeps } from "./group-commit.ts";
import { GroupStopwatch, type GroupTimes } from "./group-times.ts";
import type { LedgerAccess } from "./ledger-access.ts";
import { useOf } from "./limits/admission.ts";
import type { Admissions } from "./limits/admissions.ts";
import type { TableSizes } from "./limits/sizes.ts";
import { DEFAULT_PLAN_LIMITS, type PlanLimits, planWrite, type WritePlan } from "./plan-write.ts";
import type { Proof } from "./proof.ts";
import type { LedgerStore } from "./store.ts";
import { DEFAULT_QUEUE_LIMITS, type QueueLimits, WriteQueue } from "./write-queue.ts";

export interface LedgerWritesDeps {
  readonly store: Pick<LedgerStore, "maxStatementBytes">;
  readonly ledger: LedgerAccess;
  readonly clock: Clock;
  readonly gate: WriterGate;
  readonly admissions: Admissions;
  readonly tableSizes: TableSizes;
  readonly proof: Proof;
  /** @throws CtlstoreError `ctldb_unavailable` once the ctldb is being closed */
  readonly assertOpen: () => void;
}

export interface LedgerWritesOptions {
  readonly limits?: Partial<PlanLimits & QueueLimits>;
  readonly requireGrants?: boolean;
  readonly onGroup?: (writes: number, times: GroupTimes) => void;
}

export class LedgerWrites {
  readonly #deps: LedgerWritesDeps;
  readonly #requireGrants: boolean;
  readonly #limits: PlanLimits;
  readonly #queue: WriteQueue;

  constructor(deps: LedgerWritesDeps, { limits, requireGrants = false, onGroup }: LedgerWritesOptions) {
    this.#deps = deps;
    this.#requireGrants = requireGrants;
    this.#limits = { ...DEFAULT_PLAN_LIMITS, ...limits };
    const { ledger, admissions, clock } = deps;
    const stopwatch = new GroupStopwatch(clock);
    const groupDeps: GroupCommitDeps = {
      begin: (writers) => stopwatch.taking(() => ledger.begin(writers)),
      catalogUnder: (locked) => ledger.catalogUnder(locked),
      replan: (request, catalog) => this.#planAndProve(request, catalog),
      admissions,
      clock,
      ...(onGroup === undefined ? {} : { onGroup: (writes) => onGroup(writes, stopwatch.times()) }),
    };
    this.#queue = new WriteQueue((take) => ledger.inTurn(() => commitGroup(take(), groupDeps)), {
      ...DEFAULT_QUEUE_LIMITS,
      ...limits,
    });
  }

  /** Writes that wait for their turn. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Who may not write learns nothing of the schema, and takes no place in the queue. */
  async write(request: WriteRequest): Promise<WriteResult> {
    const { gate, admissions, tableSizes, assertOpen } = this.#deps;
    const { writer, secret, family, mutations } = request;
    assertOpen();
    const access = await gate.authenticate(writer, secret);
    assertGranted(access, family, { requireGrants: this.#requireGrants });
    // A flood is not worth planning.
    this.#queue.assertRoom(writer);
    admissions.assertNotSpent(writer, { rows: BigInt(mutations.length), bytes: 0n });
    const plan = await this.#planFresh(request);
    assertOpen();
    admissions.assertNotSpent(writer, useOf(plan));
    const result = await this.#queue.add(request, plan);
    tableSizes.wrote(plan.bytes);
    return result;
  }

  /** Plans with the cached catalog; what does not fit is tried once more with the newest before it is refused. */
  async #planFresh(request: WriteRequest): Promise<WritePlan> {
    const { ledger } = this.#deps;
    const known = await ledger.knownCatalog();
    try {
      return this.#planAndProve(request, known);
    } catch (error) {
      if (!(error instanceof CtlstoreError)) throw error;
    }
    return this.#planAndProve(request, await ledger.newestCatalog());
  }

  #planAndProve(request: WriteRequest, catalog: Catalog): WritePlan {
    const { store, proof } = this.#deps;
    const statementBytes = Math.min(this.#limits.statementBytes, store.maxStatementBytes);
    const plan = planWrite(request, catalog, { statementBytes });
    proof.check(plan.operations, catalog);
    return plan;
  }

  /** Resolves when no write waits any more. */
  drained(): Promise<void> {
    return this.#queue.drained();
  }
}
