/** What is counted of the origin's transactions. */
import type { Metrics } from "../../core/process/metrics.ts";

export type TransactionOutcome =
  | "whole" // one ledger transaction
  | "cut" // whole, but above a batch's limits, or with rows of several families
  | "incomplete" // some of its events did not come in time
  | "without-end" // its END did not come in time
  | "in-parts" // too large to be held, or in the way of others
  | "repeated"; // all or some of it once more: a connector that was killed sends again, or late

export interface TransactionMeter {
  transaction(outcome: TransactionOutcome): void;
}

export function createTransactionMeter(metrics: Metrics): TransactionMeter {
  const transactions = metrics.counter(
    "ctlstore_loader_transactions_total",
    "Transactions of the origin, by how they went into the ledger",
    ["outcome"],
  );
  for (const outcome of ["whole", "cut", "incomplete", "without-end", "in-parts", "repeated"])
    transactions.inc({ outcome }, 0);
  return { transaction: (outcome) => transactions.inc({ outcome }) };
}
