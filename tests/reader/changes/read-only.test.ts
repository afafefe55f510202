/** Changes are followed where nothing may be written (R16): in a container with a read-only volume. */
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { reflect } from "../../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../../reflector/memory-ledger.ts";
import { whyNoMounts, withReadOnlyView } from "../../support/mounts.ts";
import { startProcess } from "../../support/process.ts";
import { ctlstore } from "../../support/services.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const noMounts = await whyNoMounts();

test.skipIf(noMounts !== null)(
  "R16 changes come through a read-only mount when files are rotated and the Reflector is restarted",
  async () => {
    using folder = tempFolder("changes-read-only");
    mkdirSync(folder.file("view"));
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T);
    const options = { changelog: { fileBytes: 300, files: 50 } };
    const first = await reflect(ledger, folder.file("ldb"), options);
    await first.applies(ledger.head);
    const command = ctlstore("changes", "-f", "--since", "1", "--ldb", folder.file("view"));
    await using following = startProcess([
      ...withReadOnlyView(folder.file("ldb"), folder.file("view")),
      ...command,
    ]);
    for (let id = 1; id <= 20; id++) await first.applies(ledger.append(put(id, "a")));
    await following.waitForOutput(/21 {2}upsert {2}fam\/tbl {2}20\n/);
    await first.stop();
    await using second = await reflect(ledger, folder.file("ldb"), options);
    ledger.append(put(21, "a"));
    await following.waitForOutput(/22 {2}upsert {2}fam\/tbl {2}21\n/);
    expect(second.status().changelog?.files).toBeGreaterThan(5);
    following.signal("SIGINT");
    await following.exited;
    const sequences = following.stdout
      .trim()
      .split("\n")
      .map((line) => Number(line.split(" ")[0]));
    expect(sequences).toEqual(Array.from({ length: 21 }, (_, i) => i + 2));
  },
);
