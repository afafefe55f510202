/**
 * Being a member of a consumer group: what the group decides comes at any time while the addon works, is noted then, and is
 * told to the listener between two fetches.
 */
import { callNow } from "./connection.ts";
import type { GroupListener, TopicPartition } from "./consumer.ts";
import { isAssignment } from "./kafka-errors.ts";
import type { NativeConsumer, NativeError, NativePartition } from "./native.ts";

interface Rebalance {
  readonly kind: "assigned" | "revoked" | "lost";
  readonly partitions: readonly TopicPartition[];
}

export class GroupMembership {
  #topics: readonly string[];
  #listener: GroupListener;
  #isJoined = false;
  #hasPartitions = false;
  #noted: Rebalance[] = [];

  constructor(topics: readonly string[], listener: GroupListener) {
    this.#topics = topics;
    this.#listener = listener;
  }

  /** Between `onRevoked` and `onAssigned` there is nothing to read, and an assignment would answer the wrong question. */
  get hasPartitions(): boolean {
    return this.#hasPartitions;
  }

  /** Other topics from the next `join` on. What was noted before is told all the same: the client waits for our answer to it. */
  change(topics: readonly string[], listener: GroupListener): void {
    this.#topics = topics;
    this.#listener = listener;
    this.#isJoined = false;
  }

  /** Joins, unless it has: also with a client that was made anew. */
  join(client: NativeConsumer): void {
    if (this.#isJoined) return;
    callNow("join the consumer group", () => client.subscribe(this.#topics));
    this.#isJoined = true;
  }

  /** The client that had joined is no more. */
  forgetClient(): void {
    this.#isJoined = false;
  }

  /** Called by the addon. */
  note(client: NativeConsumer, error: NativeError | undefined, partitions: readonly NativePartition[]): void {
    const kind = isAssignment(error) ? "assigned" : client.assignmentLost() ? "lost" : "revoked";
    this.#noted.push({ kind, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) });
  }

  /**
   * Tells what was noted, in its order.
   * @param onRevoked before the listener hears that everything was taken back
   * @returns whether there was anything
   */
  tell(client: NativeConsumer, onRevoked: () => void): boolean {
    const noted = this.#noted;
    this.#noted = [];
    for (const { kind, partitions } of noted) {
      this.#hasPartitions = kind === "assigned";
      if (kind === "assigned") {
        this.#listener.onAssigned(partitions);
      } else {
        onRevoked();
        callNow("give partitions back", () => client.unassign());
        this.#listener.onRevoked(kind === "lost");
      }
    }
    return noted.length > 0;
  }
}
