/**
 * Keeps the write-ahead log bounded under constant readers (D19), by checkpoints after commits.
 *
 * A PASSIVE checkpoint waits for nobody and is enough while readers come and go. A log that nears its cap is cut by an
 * insisting one, which waits for readers a short moment; one that never ends its transaction blocks it, is counted, and
 * named (R14).
 */
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { OnCrashPoint } from "../ldb/crash-points.ts";
import { type WalReader, WalReaders } from "../ldb/wal-readers.ts";
import type { WalState, WritableDatabase } from "../ldb/writable-database.ts";

export interface WalKeeperOptions {
  /** Bytes not yet in the database at which a checkpoint is tried. */
  readonly walCheckpointBytes: number;
  /** Bytes that the log must not exceed: from three quarters of them on a checkpoint insists. */
  readonly walCapBytes: number;
  readonly insist: { readonly waitMs: number; readonly everyMs: number };
}

export interface WalKeeperDeps {
  readonly database: WritableDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPoint: OnCrashPoint;
}

/** Hot readers that share few cores may block several attempts: the rest of the cap is for those. */
const INSISTS_FROM = 0.75;

export class WalKeeper {
  readonly #deps: WalKeeperDeps;
  readonly #options: WalKeeperOptions;
  readonly #frameBytes: number;
  readonly #readers: WalReaders;
  #insistedAtMs = Number.NEGATIVE_INFINITY;
  #checkpoints = 0;
  #blocked = 0;

  constructor(deps: WalKeeperDeps, options: WalKeeperOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#readers = new WalReaders(deps.database.path);
    const frameHeaderBytes = 24;
    this.#frameBytes =
      Number(deps.database.get("PRAGMA page_size")?.["page_size"] ?? 4096) + frameHeaderBytes;
  }

  /** Checkpoints run since the process began. */
  get checkpoints(): number {
    return this.#checkpoints;
  }
  /** Insisting checkpoints that a reader kept from finishing. */
  get blocked(): number {
    return this.#blocked;
  }

  /** The reader that has kept the log from being cut for longest; null while it can be cut. */
  get blockedBy(): WalReader | null {
    return this.#readers.oldest;
  }

  /** Call after a commit, outside a transaction. */
  afterCommit(): void {
    const wal = this.#deps.database.checkpoint("NOOP");
    if (wal.frames * this.#frameBytes > this.#options.walCapBytes * INSISTS_FROM) {
      this.#insist();
      return;
    }
    this.#readers.wasFree();
    if (this.#missingBytes(wal) > this.#options.walCheckpointBytes) this.#run("PASSIVE");
  }

  #missingBytes(wal: WalState): number {
    return (wal.frames - wal.checkpointedFrames) * this.#frameBytes;
  }

  #insist(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#insistedAtMs < this.#options.insist.everyMs) return;
    // PASSIVE first, so that the wait for readers is not also a wait for the disk.
    this.#run("PASSIVE");
    const wal = this.#run("TRUNCATE", this.#options.insist.waitMs);
    this.#insistedAtMs = this.#deps.clock.monotonicMs();
    if (wal.blocked) this.#nameReader();
    else this.#readers.wasFree();
  }

  #nameReader(): void {
    this.#blocked += 1;
    const before = this.#readers.oldest;
    this.#readers.wasHeld(this.#deps.clock.monotonicMs());
    const reader = this.#readers.oldest;
    if (reader === null || (reader.pid === before?.pid && reader.command === before.command)) return;
    const walBytes = this.#deps.database.walBytes();
    this.#deps.logger.warn({ reader, walBytes }, "the write-ahead log cannot be cut: a reader holds it");
  }

  #run(mode: "PASSIVE" | "TRUNCATE", waitMs?: number): WalState {
    this.#deps.onPoint("during-checkpoint");
    this.#checkpoints += 1;
    return this.#deps.database.checkpoint(mode, waitMs);
  }
}
