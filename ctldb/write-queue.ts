/**
 * The queue of writes that wait for the ledger lock, and the loop that commits them group by group (D11).
 *
 * Bounded in number and size, of all and of each writer (I13): what does not fit is refused at once, and nothing of it was
 * done. Writers take turns, so that however many one of them sends, the next group has a write of each of the others
 * (R34); a writer's own keep their order.
 */
import { CtlstoreError, quote } from "../core/errors.ts";
import { EXECUTIVE_LIMITS } from "../core/limits.ts";
import type { WriterName } from "../core/names.ts";
import type { WriteRequest, WriteResult } from "./contract.ts";
import type { QueuedWrite } from "./group-commit.ts";
import type { WritePlan } from "./plan-write.ts";
import { traceOf } from "./write-trace.ts";

export interface QueueLimits {
  readonly queuedRequests: number;
  readonly queuedBytes: number;
  readonly queuedRequestsPerWriter: number;
  readonly queuedBytesPerWriter: number;
}

export const DEFAULT_QUEUE_LIMITS: QueueLimits = {
  queuedRequests: EXECUTIVE_LIMITS.queuedRequests,
  queuedBytes: EXECUTIVE_LIMITS.queuedBytes,
  queuedRequestsPerWriter: EXECUTIVE_LIMITS.queuedRequestsPerWriter,
  queuedBytesPerWriter: EXECUTIVE_LIMITS.queuedBytesPerWriter,
};

/** What waits of one writer, in order of arrival. */
interface Lane {
  readonly writes: Array<{ readonly write: QueuedWrite; readonly arrival: number }>;
  bytes: number;
}

export class WriteQueue {
  readonly #commit: (take: () => QueuedWrite[]) => Promise<void>;
  readonly #limits: QueueLimits;
  /** The writer whose turn is next comes first. */
  readonly #lanes = new Map<WriterName, Lane>();
  #count = 0;
  #bytes = 0;
  #arrivals = 0;
  #draining: Promise<void> | null = null;

  /**
   * @param commit waits for the process's turn at the ledger, then takes a group, commits it and settles each of its
   *   writes; must not reject
   */
  constructor(commit: (take: () => QueuedWrite[]) => Promise<void>, limits: QueueLimits) {
    this.#commit = commit;
    this.#limits = limits;
  }

  /** Writes in it. */
  get waiting(): number {
    return this.#count;
  }

  /** @throws CtlstoreError `overloaded` */
  assertRoom(writer: WriterName): void {
    const { queuedRequests, queuedBytes, queuedRequestsPerWriter, queuedBytesPerWriter } = this.#limits;
    const lane = this.#lanes.get(writer);
    if (this.#count >= queuedRequests || this.#bytes > queuedBytes)
      throw overloaded(`${this.#count} are waiting already`);
    if (lane === undefined) return;
    if (lane.writes.length >= queuedRequestsPerWriter || lane.bytes > queuedBytesPerWriter)
      throw overloaded(`${lane.writes.length} of writer ${quote(writer)} are waiting already`);
  }

  /** Resolves when the write is committed. @throws CtlstoreError `overloaded`, or why the write failed */
  async add(request: WriteRequest, plan: WritePlan): Promise<WriteResult> {
    this.assertRoom(request.writer);
    return new Promise((resolve, reject) => {
      this.#put({ request, plan, resolve, reject, trace: traceOf(request) });
      this.#draining ??= this.#drain();
    });
  }

  #put(write: QueuedWrite): void {
    const { writer } = write.request;
    const lane = this.#lanes.get(writer) ?? { writes: [], bytes: 0 };
    this.#lanes.set(writer, lane);
    lane.writes.push({ write, arrival: this.#arrivals++ });
    lane.bytes += write.plan.bytes;
    this.#count += 1;
    this.#bytes += write.plan.bytes;
  }

  async #drain(): Promise<void> {
    while (this.#count > 0) {
      // A turn of the event loop, so that requests which came in during the last commit join this group.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commit(() => this.#take());
    }
    // In the same step as the last look at the queue: a write added after it must find nobody draining.
    this.#draining = null;
  }

  /** Takes what fits into one group, a write of each writer in turn; in order of arrival. */
  #take(): QueuedWrite[] {
    const { groupRequests, groupBytes } = EXECUTIVE_LIMITS;
    const group: Lane["writes"] = [];
    let bytes = 0;
    for (const [writer, lane] of this.#lanes) {
      const [next] = lane.writes;
      if (next === undefined) continue;
      const withIt = bytes + next.write.plan.bytes;
      if (group.length > 0 && (group.length >= groupRequests || withIt > groupBytes)) break;
      bytes = withIt;
      group.push(next);
      this.#passTurn(writer, lane);
    }
    this.#count -= group.length;
    this.#bytes -= bytes;
    return group.sort((a, b) => a.arrival - b.arrival).map(({ write }) => write);
  }

  /** Takes the writer's first write from its lane; its next turn comes after those of all others. */
  #passTurn(writer: WriterName, lane: Lane): void {
    const taken = lane.writes.shift();
    lane.bytes -= taken?.write.plan.bytes ?? 0;
    this.#lanes.delete(writer);
    if (lane.writes.length > 0) this.#lanes.set(writer, lane);
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
  }
}

function overloaded(state: string): CtlstoreError {
  return new CtlstoreError("overloaded", `Cannot queue the write: ${state}`, { retryAfterSeconds: 1 });
}
