/** A ledger in memory, written by hand in tests: properly chained, and breakable in every way that matters. */
import { CtlstoreError } from "../../core/errors.ts";
import { nextLink, ZERO_HASH } from "../../core/ledger/chain.ts";
import type { LedgerBlock, LedgerDescription, LedgerEntry, LedgerSource } from "../../core/ledger/entry.ts";
import { BEGIN_MARKER, COMMIT_MARKER } from "../../core/ledger/statements.ts";
import { SEQUENCE_ZERO, type Sequence, toSequence } from "../../core/sequence.ts";

export const CREATE_T = 'CREATE TABLE fam___tbl ("k" INTEGER, "v" VARCHAR(191), PRIMARY KEY("k"));';

export function put(key: number, value: string | number): string {
  return `REPLACE INTO fam___tbl ("k","v") VALUES(${key},'${value}')`;
}

export interface MemoryLedgerOptions {
  readonly epoch?: string | null;
  readonly origin?: Uint8Array;
  readonly takeoverSequence?: number;
}

export class MemoryLedger implements LedgerSource {
  epoch: string | null;
  readonly origin: Uint8Array;
  takeoverSequence: Sequence;
  entries: LedgerEntry[] = [];
  /** What every question is answered with, until it is null again. */
  failure: Error | null = null;
  /** Questions are never answered, whatever the signal says. */
  hangs = false;
  polls = 0;
  disposed = false;
  /** Entries below are gone. */
  prunedBelow: Sequence = SEQUENCE_ZERO;
  /** Links of the chain at each entry, also where the entry does not show its own. */
  readonly #links: Uint8Array[] = [];

  constructor(options: MemoryLedgerOptions = {}) {
    this.epoch = options.epoch === undefined ? "0123456789abcdef0123456789abcdef" : options.epoch;
    this.origin = options.origin ?? (this.epoch === null ? ZERO_HASH : new Uint8Array(32).fill(7));
    this.takeoverSequence = toSequence(options.takeoverSequence ?? 0);
  }

  get head(): Sequence {
    return this.entries.at(-1)?.sequence ?? SEQUENCE_ZERO;
  }

  /** Adds hashed entries. */
  append(...statements: readonly string[]): Sequence {
    for (const statement of statements) this.appendAt(this.head + 1n, statement);
    return this.head;
  }

  /** Adds a ledger transaction between its markers. */
  appendTransaction(...statements: readonly string[]): Sequence {
    return this.append(BEGIN_MARKER, ...statements, COMMIT_MARKER);
  }

  /** Adds entries as the original writes them. */
  appendUnattested(...statements: readonly string[]): Sequence {
    for (const statement of statements) this.appendAt(this.head + 1n, statement, false);
    return this.head;
  }

  appendAt(sequence: bigint, statement: string, hashed = true, timestampUs = 1_790_000_000_000_000): void {
    const link = {
      sequence: toSequence(sequence),
      timestampUs: timestampUs + this.entries.length,
      statement,
    };
    const hash = nextLink(this.#links.at(-1) ?? this.origin, link);
    this.#links.push(hash);
    this.entries.push({ ...link, hash: hashed ? hash : null });
  }

  /** Changes an entry in place, as somebody with SQL could. */
  tamper(sequence: number, statement: string): void {
    this.entries = this.entries.map((entry) =>
      entry.sequence === BigInt(sequence) ? { ...entry, statement } : entry,
    );
  }

  remove(sequence: number): void {
    this.entries = this.entries.filter((entry) => entry.sequence !== BigInt(sequence));
  }

  /** Another ledger with the first entries of this one, as a restored backup has them. */
  restoredAt(sequence: number): MemoryLedger {
    const restored = new MemoryLedger({ epoch: this.epoch, origin: this.origin });
    restored.takeoverSequence = this.takeoverSequence;
    for (const entry of this.entries.filter((candidate) => candidate.sequence <= BigInt(sequence))) {
      restored.appendAt(entry.sequence, entry.statement, entry.hash !== null, 0);
    }
    restored.entries = this.entries.slice(0, restored.entries.length);
    restored.#links.splice(0, Number.POSITIVE_INFINITY, ...this.#links.slice(0, restored.entries.length));
    return restored;
  }

  async describe(): Promise<LedgerDescription> {
    await this.#gate();
    const visible = this.#visible();
    return {
      epoch: this.epoch,
      origin: this.origin,
      takeoverSequence: this.takeoverSequence,
      firstSequence: visible[0]?.sequence ?? SEQUENCE_ZERO,
      headSequence: this.head,
    };
  }

  async poll(after: Sequence, limit: number): Promise<LedgerBlock> {
    this.polls += 1;
    await this.#gate();
    const visible = this.#visible();
    const from = indexAfter(visible, after);
    const before = visible[from - 1];
    const anchor = before?.sequence === after ? before : null;
    const entries = visible.slice(from, from + limit);
    return { anchor, entries, more: from + limit < visible.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
  }

  #visible(): readonly LedgerEntry[] {
    return this.prunedBelow === 0n
      ? this.entries
      : this.entries.filter((entry) => entry.sequence >= this.prunedBelow);
  }

  async #gate(): Promise<void> {
    if (this.hangs) await new Promise(() => {});
    if (this.failure !== null) throw this.failure;
  }
}

export function ctldbAway(): CtlstoreError {
  return new CtlstoreError("ctldb_unavailable", "Cannot reach the ctldb: it is away; it must answer");
}

/** Index of the first entry after a sequence; by halves, since benchmarks read from here too. */
function indexAfter(entries: readonly LedgerEntry[], after: Sequence): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.sequence ?? after) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
