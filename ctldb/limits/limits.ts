import { SCHEMA_LIMITS } from "../../core/limits.ts";
import { NO_RATE } from "../../core/rates.ts";
import type { ChangeDeps } from "../access/recorded-change.ts";
import type { LedgerStore } from "../store.ts";
import type { LimitDefaults, Limits } from "./contract.ts";

/** No limit of rates and sizes: a program that uses the ctldb itself limits itself. */
export const UNLIMITED: LimitDefaults = { writer: NO_RATE, fleet: NO_RATE, table: null, ...SCHEMA_LIMITS };

export function ledgerLimits(
  _deps: ChangeDeps & { readonly store: LedgerStore; readonly defaults: LimitDefaults },
): Limits {
  return {} as Limits; // built next
}
