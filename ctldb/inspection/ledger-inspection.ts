/** See `LedgerInspection`, whose methods these are. */

import type { Clock } from "../../core/process/clock.ts";
import type { Catalog } from "../../core/schema.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import type { LedgerStore } from "../store.ts";
import type {
  EntriesPage,
  EntriesRequest,
  HistoryPage,
  HistoryRequest,
  LedgerInspection,
} from "./contract.ts";
import { readEntries } from "./entry-pages.ts";
import { readBounds } from "./entry-rows.ts";
import { HeadWatch } from "./head-watch.ts";
import { readHistory } from "./history.ts";

export interface InspectionDeps {
  readonly store: Pick<LedgerStore, "query" | "search" | "leaderTimestamp">;
  readonly clock: Clock;
  /** The schema as of now. */
  readonly catalog: () => Promise<Catalog>;
  /** @throws CtlstoreError `ctldb_unavailable` once the ctldb is being closed */
  readonly assertOpen: () => void;
}

export class StoredLedgerInspection implements LedgerInspection, Disposable {
  readonly #deps: InspectionDeps;
  readonly #watch: HeadWatch;

  constructor(given: InspectionDeps) {
    const deps = { ...given, store: whileOpen(given) };
    this.#deps = deps;
    const readHead = async () => (await readBounds(deps.store)).head;
    this.#watch = new HeadWatch({ clock: deps.clock, readHead });
  }

  async entries(request: EntriesRequest): Promise<EntriesPage> {
    this.#deps.assertOpen();
    return readEntries(request, this.#deps);
  }

  async untilAfter(sequence: Sequence, waitMs: number, signal: AbortSignal): Promise<void> {
    this.#deps.assertOpen();
    await this.#watch.until(sequence, waitMs, signal);
  }

  async history(request: HistoryRequest): Promise<HistoryPage> {
    this.#deps.assertOpen();
    const schema = (await this.#deps.catalog()).table(request.family, request.table);
    return readHistory(request, schema, this.#deps);
  }

  /** What this process has written is seen at once by those who wait. */
  wrote(sequence: bigint): void {
    this.#watch.moved(toSequence(sequence));
  }

  /** Answers all who wait. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

/** A search goes on for seconds: it ends with the ctldb, between two of its steps. */
function whileOpen({ store, assertOpen }: InspectionDeps): InspectionDeps["store"] {
  const read =
    <Found>(select: (sql: string) => Promise<Found>) =>
    async (sql: string): Promise<Found> => {
      assertOpen();
      return select(sql);
    };
  return {
    leaderTimestamp: store.leaderTimestamp,
    query: read((sql) => store.query(sql)),
    search: read((sql) => store.search(sql)),
  };
}
