import type { LedgerStore } from "../store.ts";
import type { DeclaredReaders } from "./contract.ts";
import type { ChangeDeps } from "./recorded-change.ts";

export function ledgerDeclaredReaders(_deps: ChangeDeps & { readonly store: LedgerStore }): DeclaredReaders {
  return {} as DeclaredReaders; // built next
}
