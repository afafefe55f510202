import type { LedgerStore } from "../store.ts";
export async function openMysqlStore(_url: URL, _deps: unknown): Promise<LedgerStore> {
  throw new Error("in work");
}
