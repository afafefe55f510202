/** Reflectors that bootstrap, in this process, from stores in folders. */
import type { LedgerSource } from "../../../core/ledger/entry.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { quickCheck } from "../../../ldb/copy-database.ts";
import type { BootstrapOptions, ReflectorOptions } from "../../../reflector/options.ts";
import type { ReflectorDeps } from "../../../reflector/start.ts";
import type { SnapshotSource } from "../../../snapshot/download/contract.ts";
import { fetchSnapshot } from "../../../snapshot/download/fetch-snapshot.ts";
import { INDEX_KEY } from "../../../snapshot/layout.ts";
import { parseIndex } from "../../../snapshot/manifest.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import type { SnapshotStore } from "../../../snapshot/stores/store.ts";
import { type MadeSnapshot, makeSnapshot, type SnapshotChanges } from "../../support/make-snapshot.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { reflect, type TestReflector } from "../harness.ts";
import type { MemoryLedger } from "../memory-ledger.ts";

export const QUICK_BOOTSTRAP: Omit<BootstrapOptions, "url"> = {
  jitterMs: 0,
  backoffMs: { base: 10, max: 40 },
};

/** The source of snapshots without child processes. */
export function sourceInProcess(url: string, wrap = (store: SnapshotStore) => store): SnapshotSource {
  const opened = openSnapshotStore(url).then(wrap);
  return {
    url,
    async list(signal) {
      const document = await (await opened).readDocument(INDEX_KEY, signal);
      if (document === null) return [];
      const { latest, previous } = parseIndex(document.bytes, url);
      return [latest, ...previous];
    },
    fetch: async (entry, request) =>
      fetchSnapshot({ store: await opened, clock: systemClock, random: Math.random }, entry, request),
  };
}

export interface Given {
  readonly ledger: LedgerSource;
  readonly folder: string;
  readonly url: string;
  /** In place of the store itself. */
  readonly snapshots?: SnapshotSource;
  readonly checkLdb?: (path: string) => Promise<void>;
  readonly bootstrap?: Partial<BootstrapOptions>;
  readonly options?: Partial<ReflectorOptions>;
  readonly deps?: Partial<ReflectorDeps>;
}

export function bootstrapping(given: Given): Promise<TestReflector> {
  const { ledger, folder, url, snapshots = sourceInProcess(url) } = given;
  const checkLdb = given.checkLdb ?? (async (path: string) => quickCheck(path));
  return reflect(
    ledger,
    folder,
    { ...given.options, bootstrap: { ...QUICK_BOOTSTRAP, ...given.bootstrap, url } },
    { snapshots, checkLdb, ...given.deps },
  );
}

/** A snapshot of what a ledger's first entries come to. */
export async function snapshotAt(
  ledger: MemoryLedger,
  sequence: number,
  changes: SnapshotChanges = {},
): Promise<MadeSnapshot> {
  using folder = tempFolder("made");
  await using reflector = await reflect(ledger.restoredAt(sequence), folder.path);
  await reflector.applies(BigInt(sequence));
  await reflector.reaches("current");
  return makeSnapshot(folder.path, changes);
}
