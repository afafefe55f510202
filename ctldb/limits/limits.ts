/**
 * Limits as operators set and see them. A change is one transaction under the ledger lock with its entry in the audit
 * trail, and holds for the next write of every Executive; setting what holds already changes nothing.
 */
import { isDeepStrictEqual } from "node:util";
import { SCHEMA_LIMITS } from "../../core/limits.ts";
import { type FamilyName, parseWriterName, type TableName } from "../../core/names.ts";
import { NO_RATE, type Rate } from "../../core/rates.ts";
import { UNNAMED_ACTOR } from "../access/audit-entry.ts";
import type { ChangeOptions } from "../access/contract.ts";
import { type ChangeDeps, recordedChange } from "../access/recorded-change.ts";
import type { LedgerStore, LockedLedger } from "../store.ts";
import type {
  LimitDefaults,
  Limits,
  SizeLimit,
  TableLimit,
  TableSize,
  UsageReport,
  WriterRate,
} from "./contract.ts";
import { FLEET } from "./fleet.ts";
import { assertRate, assertSizeLimit, rateStatements, sizeLimitStatements } from "./overrides.ts";
import { Policy, SELECT_OVERRIDES } from "./policy.ts";
import { usageReport } from "./usage-report.ts";

/** No limit of rates and sizes: a program that uses the ctldb itself limits itself. */
export const UNLIMITED: LimitDefaults = { writer: NO_RATE, fleet: NO_RATE, table: null, ...SCHEMA_LIMITS };

export interface LimitsDeps extends ChangeDeps {
  readonly store: LedgerStore;
  readonly sizes: { list(): Promise<TableSize[]> };
  /** Told when limits were changed here, or may have been. */
  readonly onChange: () => void;
}

/** An override about to be made or taken away, and what stands now. */
interface Override<Value> {
  readonly target: string;
  readonly from: Value | null;
  /** Null takes it away. */
  readonly to: Value | null;
  readonly statements: readonly string[];
}

export class LedgerLimits implements Limits {
  readonly defaults: LimitDefaults;
  readonly #deps: LimitsDeps;

  constructor(deps: LimitsDeps, defaults: LimitDefaults) {
    this.#deps = deps;
    this.defaults = defaults;
  }

  // Tables

  async tables(): Promise<TableLimit[]> {
    return [...(await this.#policy()).tables];
  }

  async setTable(family: FamilyName, table: TableName, limit: SizeLimit, options?: ChangeOptions) {
    assertSizeLimit(limit);
    await this.#changeTable(family, table, limit, options);
  }

  async resetTable(family: FamilyName, table: TableName, options?: ChangeOptions) {
    await this.#changeTable(family, table, null, options);
  }

  #changeTable(family: FamilyName, table: TableName, to: SizeLimit | null, options?: ChangeOptions) {
    return this.#override(options, async (policy, locked) => {
      // Only a limit that is set needs its table: that of a table which is gone can be taken away.
      if (to !== null) (await this.#deps.ledger.catalogUnder(locked)).table(family, table);
      const isIt = (other: TableLimit) => other.family === family && other.table === table;
      const from = policy.tables.find(isIt)?.limit ?? null;
      return {
        target: `limits/tables/${family}/${table}`,
        from,
        to,
        statements: sizeLimitStatements(family, table, to),
      };
    });
  }

  sizes(): Promise<TableSize[]> {
    this.#deps.assertOpen();
    return this.#deps.sizes.list();
  }

  // Writers and the fleet

  async writers(): Promise<WriterRate[]> {
    return [...(await this.#policy()).writers];
  }

  async setWriter(writer: string, rate: Rate & { readonly rows: bigint }, options?: ChangeOptions) {
    assertRate(rate);
    await this.#changeWriter(parseWriterName(writer), rate, options);
  }

  async resetWriter(writer: string, options?: ChangeOptions) {
    await this.#changeWriter(parseWriterName(writer), null, options);
  }

  #changeWriter(writer: string, to: Rate | null, options?: ChangeOptions) {
    return this.#override(options, async (policy) => {
      const from = policy.writers.find((other) => other.writer === writer)?.rate ?? null;
      return { target: `limits/writers/${writer}`, from, to, statements: rateStatements(writer, to) };
    });
  }

  async fleet(): Promise<Rate | null> {
    return (await this.#policy()).fleetOverride;
  }

  async setFleet(rate: Rate, options?: ChangeOptions) {
    assertRate(rate);
    await this.#changeFleet(rate, options);
  }

  async resetFleet(options?: ChangeOptions) {
    await this.#changeFleet(null, options);
  }

  #changeFleet(to: Rate | null, options?: ChangeOptions) {
    return this.#override(options, async ({ fleetOverride: from }) => {
      return { target: "limits/fleet", from, to, statements: rateStatements(FLEET, to) };
    });
  }

  async usage(): Promise<UsageReport> {
    return usageReport(this.#deps.store, await this.#policy());
  }

  /** As last committed. */
  async #policy(): Promise<Policy> {
    this.#deps.assertOpen();
    return new Policy(await this.#deps.store.query(SELECT_OVERRIDES), this.defaults);
  }

  #override<Value extends object>(
    options: ChangeOptions = {},
    decide: (policy: Policy, locked: LockedLedger) => Promise<Override<Value>>,
  ): Promise<void> {
    const { actor = UNNAMED_ACTOR } = options;
    return recordedChange(
      this.#deps,
      async (locked) => {
        const policy = new Policy(await locked.query(SELECT_OVERRIDES), this.defaults);
        const { target, from, to, statements } = await decide(policy, locked);
        if (isDeepStrictEqual(from, to)) return null;
        const action = to === null ? "limit.reset" : "limit.set";
        return { statements, record: { actor, action, target, detail: { from, to } }, changesPolicy: true };
      },
      options,
    ).finally(this.#deps.onChange);
  }
}
