import type { LedgerStore } from "../store.ts";
import type { AuditTrail } from "./contract.ts";
import type { ChangeDeps } from "./recorded-change.ts";

export function ledgerAuditTrail(_deps: ChangeDeps & { readonly store: LedgerStore }): AuditTrail {
  return {} as AuditTrail; // built next
}
