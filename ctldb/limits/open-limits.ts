/** The parts that limit writes, put together: what operators set, what is measured, and what admits or refuses. */
import type { Logger } from "../../core/process/logger.ts";
import type { ChangeDeps } from "../access/recorded-change.ts";
import type { LedgerStore } from "../store.ts";
import { Admissions, type RefusalObserver } from "./admissions.ts";
import type { LimitDefaults } from "./contract.ts";
import { CurrentPolicy } from "./current-policy.ts";
import { LedgerLimits, UNLIMITED } from "./limits.ts";
import { TableSizes, type TableSizesOptions } from "./sizes.ts";

export interface LimitOptions {
  /** What holds for writers and tables without limits of their own; no limits unless said. */
  readonly defaults?: Partial<LimitDefaults>;
  /** True: a writer to which no families were ever granted may write none, in place of all. */
  readonly requireGrants?: boolean;
  /** Told of each write that a limit refused. */
  readonly onRefused?: RefusalObserver;
  /** How tables are measured, and who is told. */
  readonly tableSizes?: TableSizesOptions;
}

export interface OpenLimits {
  readonly limits: LedgerLimits;
  readonly admissions: Admissions;
  /** Measures in the background until it is stopped. */
  readonly tableSizes: TableSizes;
}

export function openLimits(
  deps: ChangeDeps & { readonly store: LedgerStore; readonly logger: Logger },
  { requireGrants = false, onRefused, ...options }: LimitOptions,
): OpenLimits {
  const { store, ledger, clock, logger } = deps;
  const defaults = { ...UNLIMITED, ...options.defaults };
  const policy = new CurrentPolicy({ store, clock }, defaults);
  const tableSizes = new TableSizes(
    { store, clock, logger, catalog: () => ledger.newestCatalog(), limits: () => policy.newest() },
    options.tableSizes,
  );
  if (defaults.table !== null) tableSizes.start();
  const admissions = new Admissions(
    { policy, tables: tableSizes, clock, logger },
    { requireGrants, ...(onRefused === undefined ? {} : { onRefused }) },
  );
  const onChange = () => admissions.forgetSpent();
  return {
    limits: new LedgerLimits({ ...deps, sizes: tableSizes, onChange }, defaults),
    admissions,
    tableSizes,
  };
}
