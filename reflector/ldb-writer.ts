/**
 * Applies ledger entries to an LDB.
 *
 * Keeps I4 (rows, sequence, timestamp and hash move in one SQLite transaction), I6 (a ledger transaction is never
 * split over two of them) and I14 (everything is checked before it is applied). Many ledger transactions share a
 * SQLite transaction. A ledger transaction may be larger than a block, or than what the event loop can wait for:
 * then, and only here, a SQLite transaction stays open between slices, which is safe because nothing else uses this
 * connection. Whoever stops calling in the middle must call `rollback`.
 */
import { CtlstoreError, isCtlstoreError } from "../core/errors.ts";
import { ZERO_HASH } from "../core/ledger/chain.ts";
import type { LedgerDescription, LedgerEntry } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import type { OnCrashPoint } from "../ldb/crash-points.ts";
import {
  type LdbPosition,
  type LdbSkip,
  readPosition,
  readSequence,
  writePosition,
} from "../ldb/position.ts";
import type { WritableDatabase } from "../ldb/writable-database.ts";
import type { ApplyTraces } from "./apply-traces.ts";
import { BlockExtent } from "./block-extent.ts";
import type { Changelog } from "./changelog/changelog.ts";
import { EntryApplier } from "./entry-applier.ts";
import { type GapRules, LedgerCursor } from "./ledger-cursor.ts";

export interface LdbWriterLimits {
  /** Statements per SQLite transaction, unless a ledger transaction is larger. */
  readonly transactionStatements: number;
  /** Statements, and bytes of them, applied by one call of `applySlice`. */
  readonly sliceStatements: number;
  readonly sliceBytes: number;
}

export interface LdbWriterDeps {
  readonly database: WritableDatabase;
  readonly clock: Clock;
  readonly onPoint: OnCrashPoint;
  /** Called after each commit, when no transaction is open. */
  readonly onCommit: () => void;
  /** Tells which keys changed. Absent: nobody wants to know. */
  readonly changelog?: Changelog | null;
  /** Absent: nothing is traced. */
  readonly traces?: ApplyTraces | undefined;
}

export interface SliceResult {
  /** Index of the first entry that has not been applied. */
  readonly next: number;
  /** True when a gap before that entry may still be filled: ask the ledger again later (D8). */
  readonly waiting: boolean;
}

export class LdbWriter {
  readonly #deps: LdbWriterDeps;
  readonly #limits: LdbWriterLimits;
  readonly #cursor: LedgerCursor;
  readonly #applier: EntryApplier;
  #position: LdbPosition;
  #schemaVersion: number;
  #origin: Uint8Array = ZERO_HASH;
  #ledgerEpoch: string | null = null;
  #skipped = false;
  /** Statements applied since the last commit; meaningful while a transaction is open. */
  #uncommitted = 0;
  /** How the open transaction lies in the block that is being applied. */
  #extent = new BlockExtent([], false);

  constructor(
    deps: LdbWriterDeps,
    options: {
      readonly gaps: GapRules;
      readonly limits: LdbWriterLimits;
      readonly ldbFolder: string;
    },
  ) {
    this.#deps = deps;
    this.#limits = options.limits;
    this.#applier = new EntryApplier(deps.database, options.ldbFolder, deps.changelog?.recorder ?? null);
    this.#position = readPosition(deps.database);
    this.#schemaVersion = this.#position.schemaVersion;
    this.#cursor = new LedgerCursor(this.#position, this.#startHash(), options.gaps);
  }

  /** What is committed. */
  get position(): LdbPosition {
    return this.#position;
  }
  /** How far the ledger was followed; ahead of the position while a transaction is open. */
  get cursor(): LedgerCursor {
    return this.#cursor;
  }
  get skips(): readonly LdbSkip[] {
    return this.#applier.skips;
  }
  /** Statements run since the process began, also those that were rolled back. */
  get statementsApplied(): number {
    return this.#applier.statements;
  }

  /**
   * Says which ledger is followed: where its chain begins, and its identity, which the LDB takes on with the first
   * hash that fits. Call outside a transaction.
   */
  followLedger(ledger: Pick<LedgerDescription, "epoch" | "origin">): void {
    this.#ledgerEpoch = ledger.epoch;
    this.#origin = ledger.origin;
    this.#cursor.rewind(this.#position, this.#startHash());
  }

  /** Gives an adopted LDB the chain's link at its position, computed or taken from the ledger. */
  adoptHash(hash: Uint8Array): void {
    this.#rewrite({ ...this.#position, hash, unattestedThrough: this.#position.sequence });
    this.#cursor.rewind(this.#position, hash);
  }

  /**
   * Says that the ledger's own entry at the cursor has our hash. An adopted LDB takes on the ledger's identity then,
   * although nothing new may come for long.
   */
  attest(): void {
    this.#cursor.attest();
    const { epoch, sequence } = this.#position;
    if (epoch !== null || this.#ledgerEpoch === null || this.#cursor.sequence !== sequence) return;
    this.#rewrite({ ...this.#position, epoch: this.#ledgerEpoch });
  }

  /** Writes a position whose sequence is the one that is there; call outside a transaction. */
  #rewrite(changed: LdbPosition): void {
    const { database, clock } = this.#deps;
    const position = { ...changed, appliedAtUs: clock.nowUs() };
    try {
      this.#begin();
      writePosition(database, position);
      database.run("COMMIT");
    } finally {
      database.rollback();
    }
    this.#position = position;
  }

  /**
   * Call once for each block before its first slice, also for an empty one: lines of the changelog may be owed.
   * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`
   */
  beginBlock(entries: readonly LedgerEntry[]): void {
    this.#deps.changelog?.settle();
    this.#extent = new BlockExtent(entries, this.#cursor.insideTransaction);
  }

  /**
   * Applies entries from an index on, as many as one slice allows, and commits where it may.
   * @throws CtlstoreError what `LedgerCursor.follow` throws, `statement_refused`, `ledger_malformed` (I7),
   *   `ldb_disk_full`, `ldb_unavailable`, `ldb_damaged`, `ldb_locked`; all that came before the entry at fault, up to
   *   its ledger transaction, is committed then
   */
  applySlice(entries: readonly LedgerEntry[], from: number): SliceResult {
    const end = Math.min(entries.length, from + this.#limits.sliceStatements);
    let bytes = 0;
    let at = from;
    try {
      for (; at < end && bytes < this.#limits.sliceBytes; at++) {
        const entry = entries[at];
        if (entry === undefined) break;
        if (this.#cursor.follow(entry) === "gap-unsettled") {
          this.#keepWhole(entries);
          return { next: at, waiting: true };
        }
        this.#apply(entry, at);
        bytes += entry.statement.length;
        this.#commitIfDue(at + 1);
      }
    } catch (error) {
      this.#recover(entries, error);
      throw error;
    }
    if (this.#isOpen) this.#deps.onPoint("mid-transaction");
    return { next: at, waiting: false };
  }

  /** Frees what it holds of the database, which is then closed by its owner. */
  close(): void {
    this.rollback();
    this.#applier.close();
  }

  /** Drops what is not committed. */
  rollback(): void {
    this.#deps.database.rollback();
    this.#deps.changelog?.discard();
    this.#deps.traces?.undone();
    this.#cursor.rewind(this.#position, this.#startHash());
    this.#schemaVersion = this.#position.schemaVersion;
    this.#uncommitted = 0;
    this.#skipped = false;
  }

  get #isOpen(): boolean {
    return this.#deps.database.inTransaction;
  }

  #startHash(): Uint8Array {
    return this.#position.hash ?? this.#origin;
  }

  #apply(entry: LedgerEntry, at: number): void {
    if (!this.#isOpen) this.#open(at);
    this.#uncommitted += 1;
    const effect = this.#applier.apply(entry);
    this.#deps.traces?.applied(entry);
    if (effect === "schema") this.#schemaVersion += 1;
    else if (effect === "skipped") this.#skipped = true;
  }

  #open(at: number): void {
    this.#begin();
    this.#extent.opened(at);
  }

  /** Begins a transaction on the LDB as this Reflector left it. */
  #begin(): void {
    const { database } = this.#deps;
    database.run("BEGIN IMMEDIATE");
    // The lock file keeps other Reflectors of ours away, not the original's, nor a person with a shell.
    const found = readSequence(database);
    if (found !== this.#position.sequence) {
      throw new CtlstoreError(
        "ldb_locked",
        `Cannot write the LDB: its sequence is ${found}, and this Reflector left it at ${this.#position.sequence}`,
        { hint: "Something else writes this LDB. Stop it, then start the Reflector again." },
      );
    }
  }

  #commitIfDue(next: number): void {
    if (this.#cursor.insideTransaction) return;
    // One that began in an earlier block is committed at once: what is left uncommitted is always of this block.
    const isDue = this.#extent.wholeUntil(next) || this.#extent.openedEarlier;
    if (isDue || this.#uncommitted >= this.#limits.transactionStatements) this.#commit();
  }

  #commit(): void {
    const { database, clock, onPoint, onCommit, changelog } = this.#deps;
    const cursor = this.#cursor;
    const position: LdbPosition = {
      sequence: cursor.sequence,
      hash: cursor.hash,
      epoch: this.#position.epoch ?? (cursor.attested ? this.#ledgerEpoch : null),
      ledgerTimestampUs: cursor.timestampUs,
      appliedAtUs: clock.nowUs(),
      schemaVersion: this.#schemaVersion,
      unattestedThrough: cursor.unattestedThrough,
    };
    onPoint("mid-transaction");
    writePosition(database, position);
    changelog?.beforeCommit(this.#position.sequence, position.sequence);
    database.run("COMMIT");
    this.#position = position;
    this.#uncommitted = 0;
    if (this.#skipped) this.#applier.reloadSkips();
    this.#skipped = false;
    onPoint("after-commit");
    this.#deps.traces?.committed();
    changelog?.afterCommit();
    onCommit();
  }

  /** After a failure: commits the whole ledger transactions before the entry at fault, if the LDB can still do so. */
  #recover(entries: readonly LedgerEntry[], error: unknown): void {
    const ldbIsAtFault = isCtlstoreError(error) && error.code.startsWith("ldb_");
    if (ldbIsAtFault) this.rollback();
    else this.#keepWhole(entries);
  }

  /** SQLite cannot undo one statement of a transaction, so all is undone and the whole part done again. */
  #keepWhole(entries: readonly LedgerEntry[]): void {
    const whole = this.#isOpen ? this.#extent.whole() : null;
    this.rollback();
    if (whole === null) return;
    for (let at = whole.from; at < whole.until; at++) {
      const entry = entries[at];
      if (entry === undefined) break;
      this.#cursor.follow(entry);
      this.#apply(entry, at);
    }
    this.#commit();
  }
}
