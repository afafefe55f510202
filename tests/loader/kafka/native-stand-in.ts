/** Stands for the addon where it must misbehave on command; the real one is tried in consumer.test.ts. */
import { EventEmitter } from "node:events";
import type {
  NativeConsumer,
  NativeError,
  NativeMessage,
  NativePosition,
  RebalanceCallback,
} from "../../../loader/kafka/native.ts";

/** What one `consume` of the addon brings. */
export interface Consumed {
  readonly messages?: readonly NativeMessage[];
  readonly ends?: readonly NativePosition[];
  readonly error?: NativeError;
  /** What the group says meanwhile. */
  readonly rebalance?: readonly [code: number, partitions: readonly number[]];
}

export const ASSIGN = -175;
export const REVOKE = -174;

export class AddonStandIn extends EventEmitter implements NativeConsumer {
  /** Calls, in their order, as texts. */
  readonly calls: string[];
  readonly consumed: Consumed[] = [];
  low = 0;
  high = 100;
  isLost = false;
  /** What the next calls of `assign` throw. */
  readonly assignFaults: Error[] = [];
  readonly #onRebalance: RebalanceCallback;

  readonly #first: AddonStandIn | null;

  /** @param first the client beside which this one answers questions, of the same brokers; calls are noted there */
  constructor(onRebalance: RebalanceCallback, first: AddonStandIn | null = null) {
    super();
    this.#onRebalance = onRebalance;
    this.#first = first;
    this.calls = first === null ? [] : first.calls;
  }

  connect(_options: unknown, done: (error: null, metadata: { topics: [] }) => void): void {
    queueMicrotask(() => done(null, { topics: [] }));
  }
  getMetadata(_options: unknown, done: (error: null, metadata: { topics: [] }) => void): void {
    done(null, { topics: [] });
  }
  disconnect(done: (error: null) => void): void {
    this.calls.push("disconnect");
    done(null);
  }
  setDefaultConsumeTimeout(): void {}
  setDefaultIsTimeoutOnlyForFirstMessage(): void {}
  consume(
    count: number,
    done: (error: NativeError | null, messages: readonly NativeMessage[]) => void,
  ): void {
    this.calls.push(`consume ${count}`);
    setImmediate(() => {
      const { messages = [], ends = [], error, rebalance } = this.consumed.shift() ?? {};
      if (rebalance !== undefined) this.rebalance(...rebalance);
      for (const end of ends) this.emit("partition.eof", end);
      done(error ?? null, messages);
    });
  }
  /** What the group says comes on another thread: also between two calls. */
  rebalance(code: number, numbers: readonly number[]): void {
    const partitions = numbers.map((partition) => ({ topic: "t", partition }));
    this.#onRebalance({ code, message: "rebalance" }, partitions);
  }
  subscribe(topics: readonly string[]): void {
    this.calls.push(`subscribe ${topics}`);
  }
  assign(positions: readonly NativePosition[]): void {
    const fault = this.assignFaults.shift();
    if (fault !== undefined) throw fault;
    this.calls.push(`assign ${positions.map(({ partition, offset }) => `${partition}@${offset}`)}`);
  }
  unassign(): void {
    this.calls.push("unassign");
  }
  assignmentLost(): boolean {
    return this.isLost;
  }
  pause(partitions: readonly { readonly partition: number }[]): void {
    this.calls.push(`pause ${partitions.map(({ partition }) => partition)}`);
  }
  resume(partitions: readonly { readonly partition: number }[]): void {
    this.calls.push(`resume ${partitions.map(({ partition }) => partition)}`);
  }
  commit(): void {}
  queryWatermarkOffsets(
    _topic: string,
    partition: number,
    _timeoutMs: number,
    done: (error: null, offsets: { lowOffset: number; highOffset: number }) => void,
  ): void {
    this.calls.push(`watermarks ${partition}`);
    const { low, high } = this.#first ?? this;
    done(null, { lowOffset: low, highOffset: high });
  }
}

export function message(partition: number, offset: number, bytes = 10): NativeMessage {
  return { topic: "t", partition, offset, key: null, value: new Uint8Array(bytes), timestamp: -1 };
}
