/** Whether the transaction topic says in which order transactions came. */
import { CtlstoreError } from "../../core/errors.ts";

/** @throws CtlstoreError `config_invalid` for a transaction topic of several partitions, in which there is no order */
export function assertOrdered(transactionTopic: string, partitions: number): void {
  if (partitions === 1) return;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot preserve transactions: topic ${transactionTopic} has ${partitions} partitions; it needs one, or nobody can tell the transactions' order`,
    {
      hint: "make the topic anew with one partition before the connector starts, or load without --preserve-transactions",
    },
  );
}
