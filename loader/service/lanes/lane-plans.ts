/** The lanes of the topics that are there, renewed as topics and partitions come. */
import { CtlstoreError } from "../../../core/errors.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";
import { planLanes } from "../../lanes/lane-plan.ts";
import type { Mapping } from "../../mapping/mapping.ts";
import { assertSweepable } from "../../snapshots/sweepable.ts";
import { assertOrdered } from "../../transactions/assert-ordered.ts";
import type { Topics } from "../topics.ts";

export interface LanePlansOptions {
  /** What the names of all writers begin with. */
  readonly writer: string;
  readonly preserveTransactions: boolean;
}

/** Every topic that is read: with the transaction topic where transactions are preserved. @throws CtlstoreError `config_invalid` */
export function topicsToRead(mapping: Mapping, { preserveTransactions }: LanePlansOptions): string[] {
  if (!preserveTransactions) return [...mapping.topics];
  const { transactionTopic } = mapping;
  if (transactionTopic === null) {
    throw new CtlstoreError(
      "config_invalid",
      "Cannot preserve transactions: the mapping does not name the transaction topic; it is needed for --preserve-transactions",
      {
        hint: 'give "transactionTopic" in the mapping file, and set provide.transaction.metadata=true in Debezium',
      },
    );
  }
  return [...new Set([...mapping.topics, transactionTopic])].sort();
}

/**
 * Lanes of the topics that are there. Without the transaction topic there is none where transactions are preserved.
 * @throws CtlstoreError `config_invalid`, `mapping_invalid`: what the partitions' number makes impossible
 */
export function plansOf(mapping: Mapping, topics: Topics, options: LanePlansOptions): LanePlan[] {
  const { partitions, missing } = topics;
  const { transactionTopic } = mapping;
  if (options.preserveTransactions && transactionTopic !== null && missing.includes(transactionTopic))
    return [];
  if (partitions.size === 0) return [];
  if (options.preserveTransactions && transactionTopic !== null)
    assertOrdered(transactionTopic, partitions.get(transactionTopic) ?? 1);
  assertSweepable(mapping, partitions);
  const isThere = (topic: string) => partitions.has(topic);
  const there: Mapping = {
    topics: mapping.topics.filter(isThere),
    transactionTopic,
    families: mapping.families,
    tables: mapping.tables.filter(({ topic }) => isThere(topic)),
    laneOf: (topic) => mapping.laneOf(topic),
    target: (topic, event) => mapping.target(topic, event),
  };
  return planLanes({ ...options, mapping: there, partitions });
}

export function samePartitions(left: LanePlan, right: LanePlan): boolean {
  return (
    left.partitions.length === right.partitions.length &&
    left.partitions.every((partition, i) => {
      const other = right.partitions[i];
      return other !== undefined && partitionKey(partition) === partitionKey(other);
    })
  );
}
