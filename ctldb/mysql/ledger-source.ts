/**
 * Reads the ledger from MySQL over one connection, made when first needed and again after each failure.
 *
 * A poll is one query by primary key; it asks for the entry at the sequence too, so that the chain is checked each
 * time at no cost. It works on a ctldb that only the original has ever written.
 */

import { hashFromHex, ZERO_HASH } from "../../core/ledger/chain.ts";
import type { LedgerBlock, LedgerDescription, LedgerEntry, LedgerSource } from "../../core/ledger/entry.ts";
import { REFLECTOR_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { ENTRY_COLUMNS, LEGACY_ENTRY_COLUMNS, toEntry } from "./entries.ts";
import { type MysqlRow, MysqlSession } from "./session.ts";
import { readMeta } from "./tables.ts";

/** How often a ctldb of the original is looked at again, for an Executive of ours that has taken it over. */
const LEGACY_CHECK_MS = 30_000;

export class MysqlLedgerSource implements LedgerSource {
  readonly #url: URL;
  readonly #clock: Clock;
  #session: Promise<MysqlSession> | null = null;
  /** Columns of the ledger table; null until looked at. */
  #columns: string | null = null;
  #lookedAtMs = 0;
  /** Mean size of entries, so that a block of large ones is not asked for by the thousand. */
  #meanChars = 200;

  constructor(url: URL, deps: { readonly clock: Clock }) {
    this.#url = url;
    this.#clock = deps.clock;
  }

  async describe(signal?: AbortSignal): Promise<LedgerDescription> {
    const session = await this.#connect(signal);
    const isOurs = await this.#look(session);
    const meta = isOurs ? await readMeta(session) : new Map<string, string>();
    const bounds = await session.select(
      "SELECT MIN(seq), MAX(seq) FROM ctlstore_dml_ledger",
      "read the ledger's bounds",
    );
    const origin = meta.get("origin");
    return {
      epoch: meta.get("epoch") ?? null,
      origin: origin === undefined ? ZERO_HASH : hashFromHex(origin),
      takeoverSequence: toSequence(meta.get("takeover_sequence") ?? "0"),
      firstSequence: toSequence(String(bounds[0]?.[0] ?? "0")),
      headSequence: toSequence(String(bounds[0]?.[1] ?? "0")),
    };
  }

  async poll(after: Sequence, limit: number, signal?: AbortSignal): Promise<LedgerBlock> {
    const session = await this.#connect(signal);
    if (this.#columns === null || this.#isLookDue()) await this.#look(session);
    const wanted = Math.max(1, Math.min(limit, Math.floor(REFLECTOR_LIMITS.pollBytes / this.#meanChars)));
    const sql = `SELECT ${this.#columns} FROM ctlstore_dml_ledger WHERE seq >= ${after} ORDER BY seq LIMIT ${wanted + 1}`;
    let anchor: LedgerEntry | null = null;
    const entries: LedgerEntry[] = [];
    let chars = 0;
    const onRow = (row: MysqlRow) => {
      const entry = toEntry(row);
      if (entry.sequence === after) {
        anchor = entry;
        return true;
      }
      entries.push(entry);
      chars += entry.statement.length;
      // Entries have grown all of a sudden: keep what came and drop the connection with the rest.
      return chars <= 4 * REFLECTOR_LIMITS.pollBytes;
    };
    await session.stream(sql, onRow, {
      action: "poll the ledger",
      ...(signal === undefined ? {} : { signal }),
    });
    if (entries.length > 0) this.#meanChars = Math.max(1, chars / entries.length);
    return { anchor, entries, more: entries.length >= wanted || session.broken };
  }

  #isLookDue(): boolean {
    return (
      this.#columns === LEGACY_ENTRY_COLUMNS && this.#clock.monotonicMs() - this.#lookedAtMs > LEGACY_CHECK_MS
    );
  }

  /** Finds out whether the ledger has our columns yet. */
  async #look(session: MysqlSession): Promise<boolean> {
    const sql =
      "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'ctlstore_meta'";
    const isOurs = Number((await session.select(sql, "look at the ctldb"))[0]?.[0]) > 0;
    this.#columns = isOurs ? ENTRY_COLUMNS : LEGACY_ENTRY_COLUMNS;
    this.#lookedAtMs = this.#clock.monotonicMs();
    return isOurs;
  }

  async #connect(signal: AbortSignal | undefined): Promise<MysqlSession> {
    signal?.throwIfAborted();
    const current = await this.#session?.catch(() => null);
    if (current && !current.broken) return current;
    this.#session = MysqlSession.connect(this.#url, signal);
    return this.#session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session?.catch(() => null);
    await session?.[Symbol.asyncDispose]();
  }
}
