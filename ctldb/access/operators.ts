import type { LedgerStore } from "../store.ts";
import type { Operators } from "./contract.ts";
import type { ChangeDeps } from "./recorded-change.ts";

export function ledgerOperators(_deps: ChangeDeps & { readonly store: LedgerStore }): Operators {
  return {} as Operators; // built next
}
