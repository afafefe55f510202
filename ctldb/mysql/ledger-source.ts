/**
 * Reads the ledger from MySQL over one connection, made when first needed and again after each failure.
 *
 * A poll is one query by primary key; it asks for the entry at the sequence too, so that the chain is checked each
 * time at no cost. It works on a ctldb that only the original has ever written.
 */
import { CtlstoreError } from "../../core/errors.ts";
import { hashFromHex, ZERO_HASH } from "../../core/ledger/chain.ts";
import type { LedgerBlock, LedgerDescription, LedgerEntry, LedgerSource } from "../../core/ledger/entry.ts";
import { REFLECTOR_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { ENTRY_COLUMNS, LEGACY_ENTRY_COLUMNS, timedEntries, toEntry, toTracedEntry } from "./entries.ts";
import { type MysqlRow, MysqlSession, type MysqlTarget } from "./session.ts";
import { readMeta } from "./tables.ts";

/** How often a ledger that lacks columns of ours is looked at again, for an Executive that has added them. */
const LEGACY_CHECK_MS = 30_000;

/** What one connection has seen of the ledger's table. */
interface LedgerView {
  readonly session: MysqlSession;
  readonly columns: typeof ENTRY_COLUMNS | typeof LEGACY_ENTRY_COLUMNS;
  /** True when entries are asked for their `trace` too. */
  readonly traced: boolean;
  readonly lookedAtMs: number;
}

export interface MysqlLedgerSourceOptions {
  /** Entries shall have their `trace`. */
  readonly traces?: boolean;
}

export class MysqlLedgerSource implements LedgerSource {
  readonly #target: MysqlTarget;
  readonly #clock: Clock;
  readonly #wantsTraces: boolean;
  #view: LedgerView | null = null;
  /** Mean size of entries, so that a block of large ones is not asked for by the thousand. */
  #meanChars = 200;

  constructor(
    target: MysqlTarget,
    deps: { readonly clock: Clock },
    { traces = false }: MysqlLedgerSourceOptions = {},
  ) {
    this.#target = target;
    this.#clock = deps.clock;
    this.#wantsTraces = traces;
  }

  describe(signal?: AbortSignal): Promise<LedgerDescription> {
    return this.#read(signal, async () => {
      const { session, columns } = await this.#look(signal);
      const meta = columns === ENTRY_COLUMNS ? await readMeta(session) : new Map<string, string>();
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
    });
  }

  poll(after: Sequence, limit: number, signal?: AbortSignal): Promise<LedgerBlock> {
    return this.#read(signal, async () => {
      const { session, columns, traced } = this.#freshView() ?? (await this.#look(signal));
      const wanted = Math.max(1, Math.min(limit, Math.floor(REFLECTOR_LIMITS.pollBytes / this.#meanChars)));
      // One more for the entry asked after, and one more to know whether there are more.
      const selected = traced ? `${columns}, trace` : columns;
      const sql = `SELECT ${selected} FROM ctlstore_dml_ledger WHERE seq >= ${after} ORDER BY seq LIMIT ${wanted + 2}`;
      const block = new BlockBuilder(after, wanted, traced ? toTracedEntry : toEntry);
      await session.stream(sql, (row) => block.add(row), "poll the ledger");
      if (block.entries.length > 0) this.#meanChars = Math.max(1, block.chars / block.entries.length);
      // Where the connection went with rows that were too many, the block after this one will tell the time.
      const entries = session.broken ? block.entries : await timedEntries(session, block.entries);
      return { anchor: block.anchor, entries, more: block.more };
    });
  }

  /** After any failure the connection is dropped: the next call begins afresh, and looks at the tables again. */
  async #read<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const onAbort = () => this.#drop();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await task();
    } catch (error) {
      this.#drop();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #drop(): void {
    this.#view?.session.destroy();
    this.#view = null;
  }

  #freshView(): LedgerView | null {
    const view = this.#view;
    if (view === null || view.session.broken) return null;
    const isDue = this.#clock.monotonicMs() - view.lookedAtMs > LEGACY_CHECK_MS;
    const lacksSomething = view.columns === LEGACY_ENTRY_COLUMNS || view.traced !== this.#wantsTraces;
    return lacksSomething && isDue ? null : view;
  }

  /** Finds out whether the ledger is there, and whether it has our columns yet. */
  async #look(signal: AbortSignal | undefined): Promise<LedgerView> {
    const known = this.#view?.session;
    const session =
      known === undefined || known.broken ? await MysqlSession.connect(this.#target, signal) : known;
    try {
      const found = await session.select(
        `SELECT column_name FROM information_schema.columns
         WHERE table_schema = DATABASE() AND table_name = 'ctlstore_dml_ledger'`,
        "look at the ledger",
      );
      const names = new Set(found.map(([name]) => String(name).toLowerCase()));
      if (!names.has("statement")) throw notInitialised();
      const isOurs = names.has("timestamp_us") && names.has("hash") && (await hasMeta(session));
      const columns = isOurs ? ENTRY_COLUMNS : LEGACY_ENTRY_COLUMNS;
      const traced = this.#wantsTraces && isOurs && names.has("trace");
      this.#view = { session, columns, traced, lookedAtMs: this.#clock.monotonicMs() };
      return this.#view;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#view?.session[Symbol.asyncDispose]();
    this.#view = null;
  }
}

async function hasMeta(session: MysqlSession): Promise<boolean> {
  const sql =
    "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'ctlstore_meta'";
  return (await session.select(sql, "look at the ctldb")).length > 0;
}

function notInitialised(): CtlstoreError {
  return new CtlstoreError("ctldb_unavailable", "Cannot read the ledger: the ctldb is not initialised yet", {
    hint: "start an Executive on it, or check the database's name",
  });
}

/** Collects the rows of one poll: at most so many entries, and not many more bytes than one poll shall have. */
class BlockBuilder {
  readonly #after: Sequence;
  readonly #wanted: number;
  readonly #toEntry: (row: MysqlRow) => LedgerEntry;
  readonly entries: LedgerEntry[] = [];
  anchor: LedgerEntry | null = null;
  chars = 0;
  more = false;

  constructor(after: Sequence, wanted: number, asEntry: (row: MysqlRow) => LedgerEntry) {
    this.#after = after;
    this.#wanted = wanted;
    this.#toEntry = asEntry;
  }

  /** False when the rest of the rows is not wanted. */
  add(row: MysqlRow): boolean {
    const entry = this.#toEntry(row);
    if (entry.sequence === this.#after) {
      this.anchor = entry;
      return true;
    }
    if (this.entries.length >= this.#wanted) {
      this.more = true;
      return true;
    }
    if (this.chars > 4 * REFLECTOR_LIMITS.pollBytes) {
      // Entries have grown all of a sudden: keep what came; the connection goes with the rest.
      this.more = true;
      return false;
    }
    this.entries.push(entry);
    this.chars += entry.statement.length;
    return true;
  }
}
