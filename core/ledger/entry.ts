/** What a ledger is made of, and the contract by which a Reflector reads one. */
import type { Sequence } from "../sequence.ts";

export interface LedgerEntry {
  readonly sequence: Sequence;
  /** When the Executive wrote it, in microseconds since 1970; whole seconds in entries of the original. */
  readonly timestampUs: number;
  /**
   * When it was really written, where that is known to be another time: the original leaves the time to MySQL, in the
   * server's time zone. For telling staleness alone (D21): the chain is made of `timestampUs`, as the ledger shows it to all.
   */
  readonly writtenAtUs?: number;
  readonly statement: string;
  /** The link of the chain that ends in this entry (32 bytes), or null in an entry of the original: unattested. */
  readonly hash: Uint8Array | null;
  /**
   * The `traceparent` under which it was written, when its write was traced. Only a source that was asked for traces gives
   * it. It is no part of the chain: it says nothing about the rows, and Reflectors that do not know it check the same links.
   */
  readonly trace?: string | null;
}

/** What the ledger says about itself. */
export interface LedgerDescription {
  /** Identity of this ctldb (32 hex digits), or null while only the original has written it. */
  readonly epoch: string | null;
  /** The chain's value before sequence 1 (32 bytes): random in our own ledgers, zeros in one begun by the original. */
  readonly origin: Uint8Array;
  /** Gaps at or below this sequence are old ones of the original; above it there are none (I1). */
  readonly takeoverSequence: Sequence;
  /** Sequence of the oldest entry still there; 0 in an empty ledger. */
  readonly firstSequence: Sequence;
  readonly headSequence: Sequence;
}

/** One answer to a poll. */
export interface LedgerBlock {
  /**
   * The entry at the sequence asked after, so that its hash can be compared with the LDB's on every poll; null when
   * that entry is not in the ledger, and also when asked after 0.
   */
  readonly anchor: LedgerEntry | null;
  /** Entries after it in sequence order; empty when there are none. */
  readonly entries: readonly LedgerEntry[];
  /** True when more entries were waiting than were returned. */
  readonly more: boolean;
}

/**
 * Where a Reflector gets the ledger from. Today a ctldb; the shovel does not know.
 *
 * Every method rejects with CtlstoreError `ctldb_unavailable` when the source is away, and with the signal's reason
 * when aborted.
 */
export interface LedgerSource extends AsyncDisposable {
  describe(signal?: AbortSignal): Promise<LedgerDescription>;
  /** @param limit most entries to return; fewer may come, at least one if there is one */
  poll(after: Sequence, limit: number, signal?: AbortSignal): Promise<LedgerBlock>;
}
