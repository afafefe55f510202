/**
 * A store that hangs (a dead mount, a stopped child) is given up: what the ctldb has is applied meanwhile (I13). One that is
 * in trouble for a moment is asked again first (R28).
 */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { CtlstoreError } from "../../../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../../../core/limits.ts";
import type { SnapshotSource } from "../../../snapshot/download/contract.ts";
import { storeSnapshots } from "../../support/make-snapshot.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { recordingLogger } from "../readiness/recording-logger.ts";
import { bootstrapping, snapshotAt, sourceInProcess } from "./harness.ts";

const SILENCE = { choosing: 200, downloading: 200, checking: 200 };

function ledgerOf(length: number): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < length; key++) ledger.append(put(key, `v${key}`));
  return ledger;
}

/** Ends as a child does: with its signal, and with that signal's reason. */
function hangsUntil(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

describe("I13 D20 an empty LDB is filled from the ledger", () => {
  test.each([
    ["does not say what it holds", "snapshot_store_unavailable", { list: hangsUntil }],
    [
      "stops in the middle of a download",
      "snapshot_store_unavailable",
      { fetch: (_, { signal, onProgress }) => reportThenHang("downloading", signal, onProgress) },
    ],
    [
      "has sent all, and the check hangs",
      "ldb_unavailable",
      { fetch: (_, { signal, onProgress }) => reportThenHang("checking", signal, onProgress) },
    ],
  ] satisfies ReadonlyArray<readonly [string, string, Partial<SnapshotSource>]>)(
    "when the store %s",
    async (_what, code, hanging) => {
      using folder = tempFolder();
      const ledger = ledgerOf(10);
      const ldb = folder.file("ldb");
      const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 6)]);
      const { logger, lines } = recordingLogger();
      const snapshots = { ...sourceInProcess(url), ...hanging };
      const bootstrap = { silenceMs: SILENCE };
      await using reflector = await bootstrapping({
        ledger,
        folder: ldb,
        url,
        snapshots,
        bootstrap,
        deps: { logger },
      });
      await reflector.applies(10n);
      expect(await reflector.reaches("current")).toMatchObject({ sequence: 10n });
      const failed = lines.find(({ message }) => message.startsWith("bootstrap failed"));
      expect(failed?.fields["reason"]).toMatchObject({ code });
      expect(readdirSync(folder.file("ldb", "generations"))).toHaveLength(1);
    },
  );
});

test.each(["snapshot_store_unavailable", "snapshot_store_denied"] as const)(
  "R28 an empty LDB waits for a store that says %p just after the start, and reads no ledger meanwhile",
  async (code) => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 6)]);
    const source = sourceInProcess(url);
    let asked = 0;
    const snapshots: SnapshotSource = {
      ...source,
      async list(signal) {
        asked += 1;
        if (asked < BOOTSTRAP_LIMITS.storePatience.attempts) throw new CtlstoreError(code, "Cannot list");
        return source.list(signal);
      },
    };
    const { logger, lines } = recordingLogger();
    await using reflector = await bootstrapping({
      ledger,
      folder: folder.file("ldb"),
      url,
      snapshots,
      deps: { logger },
    });
    expect(await reflector.applies(10n)).toMatchObject({ bootstrap: null });
    expect(asked).toBe(BOOTSTRAP_LIMITS.storePatience.attempts);
    expect(lines.find(({ message }) => message === "bootstrapped")?.fields).toMatchObject({ sequence: 6n });
  },
);

async function reportThenHang(
  phase: "downloading" | "checking",
  signal: AbortSignal,
  onProgress: (progress: { phase: "downloading" | "checking"; bytes: number; totalBytes: number }) => void,
): Promise<never> {
  onProgress({ phase, bytes: 1, totalBytes: 2 });
  return hangsUntil(signal);
}

test("I13 a download that moves now and then goes on, however long it takes", async () => {
  using folder = tempFolder();
  const ledger = ledgerOf(10);
  const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 6)]);
  const source = sourceInProcess(url);
  let attempts = 0;
  const slowly: SnapshotSource = {
    ...source,
    async fetch(entry, request) {
      attempts += 1;
      for (let bytes = 1; bytes <= 8; bytes++) {
        request.onProgress({ phase: "downloading", bytes, totalBytes: 8 });
        await Bun.sleep(SILENCE.downloading / 4);
      }
      await source.fetch(entry, request);
    },
  };
  ledger.prunedBelow = (await source.list(new AbortController().signal))[0]?.sequence ?? ledger.head;
  const bootstrap = { silenceMs: SILENCE };
  await using reflector = await bootstrapping({
    ledger,
    folder: folder.file("ldb"),
    url,
    snapshots: slowly,
    bootstrap,
  });
  await reflector.applies(10n);
  expect(attempts).toBe(1);
});
