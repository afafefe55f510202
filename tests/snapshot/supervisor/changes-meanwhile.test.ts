/** What a Supervisor notices after it has frozen, while the files are on their way, is not published either. */
import { describe, expect, test } from "bun:test";
import type { ReflectorStatus } from "../../../reflector/state.ts";
import { reflect } from "../../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../../reflector/memory-ledger.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { MemoryStore, type StoreOperation } from "../memory-store.ts";
import { supervise } from "./harness.ts";

const STUCK: Partial<ReflectorStatus> = {
  state: "stuck",
  reason: { code: "ledger_behind", message: "the ledger ends before the LDB" },
};

/** The status of a Reflector turns into another one when the store is first used for this. */
async function publishWhile(at: StoreOperation, change: Partial<ReflectorStatus>, text: string) {
  using folder = tempFolder();
  const store = new MemoryStore();
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "one"));
  await using reflector = await reflect(ledger, folder.path);
  let changed: Partial<ReflectorStatus> = {};
  let times = 0;
  store.before = (operation, key) => {
    // A snapshot's own objects: the index is read before anything is frozen.
    if (operation === at && key.startsWith("snapshots/") && times++ === 0) changed = change;
  };
  const watched = { ...reflector, status: () => ({ ...reflector.status(), ...changed }) };
  await using supervisor = await supervise(watched, store, { ldbFolder: folder.path, intervalMs: 60_000 });
  await supervisor.reaches("refused", text);
  const keys = [...store.objects.keys()];
  changed = {};
  return { keys, times, kept: supervisor.status().keptSequence };
}

describe("a frozen snapshot is not published", () => {
  test.each(["uploadFile", "writeDocument"] as const)(
    "D10 when the Reflector gets stuck at %s",
    async (operation) => {
      const { keys, times, kept } = await publishWhile(operation, STUCK, "its Reflector is stuck");
      expect(times).toBe(1);
      expect(keys).not.toContain("latest.json");
      expect(kept).toBeNull();
    },
  );

  test("R26 when the ledger turns out to be another one during the upload", async () => {
    const diverged: Partial<ReflectorStatus> = { state: "diverged", reason: null };
    const { keys } = await publishWhile("uploadFile", diverged, "its Reflector is diverged");
    expect(keys).not.toContain("latest.json");
  });

  test("R18 when the LDB that it was copied from was damaged, and replaced, during the upload", async () => {
    using folder = tempFolder();
    const replaced = { ldb: { path: folder.path, generation: "2", walBytes: 0, walBlockedBy: null } };
    const { keys } = await publishWhile("uploadFile", replaced, "it was replaced by another one");
    expect(keys).not.toContain("latest.json");
  });

  test("R26 when the LDB follows another ctldb by then", async () => {
    const change = { epoch: "f".repeat(32) };
    const { keys } = await publishWhile("uploadFile", change, "it follows the ctldb of epoch ffff");
    expect(keys).not.toContain("latest.json");
  });
});
