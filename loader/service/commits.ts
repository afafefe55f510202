/**
 * Tells Kafka's tools how far the lanes are. It is for them alone, and a failure is told by nobody: so what has moved is told,
 * and now and then everything. All of it each time would be thousands of records in the brokers' log, of which none is new.
 */
import { LOADER_LIMITS } from "../../core/limits.ts";
import type { KafkaConsumer, Position } from "../kafka/consumer.ts";
import { partitionKey } from "../kafka/partition-key.ts";

export class Commits {
  readonly #consumer: Pick<KafkaConsumer, "commit">;
  readonly #told = new Map<string, number>();
  #times = 0;

  constructor(consumer: Pick<KafkaConsumer, "commit">) {
    this.#consumer = consumer;
  }

  tell(lives: readonly { readonly applied: readonly Position[] }[]): void {
    if (this.#times % LOADER_LIMITS.commitsPerWhole === 0) this.#told.clear();
    this.#times += 1;
    const moved = lives
      .flatMap(({ applied }) => applied)
      .filter((position) => this.#told.get(partitionKey(position)) !== position.next);
    if (moved.length === 0) return;
    for (const position of moved) this.#told.set(partitionKey(position), position.next);
    this.#consumer.commit(moved);
  }
}
