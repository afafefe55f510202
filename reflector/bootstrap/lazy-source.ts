/** The store of snapshots of a Reflector: nothing of it is loaded before a bootstrap, which most processes never have. */
import type { SnapshotSource } from "../../snapshot/download/contract.ts";

const load = () => import("../../snapshot/download/task-source.ts");

export function lazyTaskSource(url: string): SnapshotSource {
  return {
    url,
    list: async (signal) => (await load()).createTaskSource(url).list(signal),
    fetch: async (entry, request) => (await load()).createTaskSource(url).fetch(entry, request),
  };
}

/** See `checkLdb` there. */
export async function lazyCheckLdb(databasePath: string, signal: AbortSignal): Promise<void> {
  await (await load()).checkLdb(databasePath, signal);
}
