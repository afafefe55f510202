import type { LedgerSource } from "../../core/ledger/entry.ts";
export class MysqlLedgerSource {
  constructor(_url: URL, _deps: unknown) {
    throw new Error("in work");
  }
}
export interface MysqlLedgerSource extends LedgerSource {}
