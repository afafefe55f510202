/** Executives that are killed again and again under writers and schema changes, and started anew. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createClient, type FetchLike } from "../../client/index.ts";
import { dumpCtlDb } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { checkLedger, readWholeLedger, replayLedger } from "../support/replay-ledger.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess, startExecutiveService } from "../support/services.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { batchesInLedger, LOAD_FAMILY, prepareLoad, runLoad } from "./many-writers-load.ts";

const KILLS = runsOf({ quick: 6, deep: 100 });
const TIMEOUT_MS = timeoutMsOf({ quick: 120_000, deep: 1_200_000 });
const NAMES = Array.from({ length: 8 }, (_, i) => `writer ${i + 1}`);
/** Names that stand for whichever process serves there now. */
const SLOTS = ["http://first.invalid", "http://second.invalid"] as const;

const CTLDBS = [
  ["one Executive on sqlite", 1, async (folder: string) => `sqlite:${join(folder, "ctldb.db")}`],
  ["two Executives on mariadb", 2, async () => (await sharedMariadb()).createDatabase()],
] as const;

/** Creates, extends and drops tables as fast as it is answered; a request that gets no answer is let go. */
async function changeSchema(
  fetch: FetchLike,
  slots: readonly string[],
  isOver: () => boolean,
): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    const slot = slots[n % slots.length] ?? "";
    const family = createClient(slot, { adminToken: SERVICE_ADMIN_TOKEN, fetch }).families({
      family: LOAD_FAMILY,
    });
    const table = family.tables({ table: `made_${n % 3}` });
    await table.post({ fields: [["id", "string"]], keyFields: ["id"] });
    await table.put({ fields: [[`added_${n}`, "integer"]] });
    if (n % 2 === 0) await table.delete();
  }
}

describe.each([...CTLDBS])("%s", (_name, executives, makeUrl) => {
  test(
    "I1 I3 I8 I14, D6 D7, R38: no batch is lost or doubled and ctldb equals its ledger when killed under load",
    async () => {
      const random = seededRandom(suiteSeed());
      using folder = tempFolder("kills");
      const ctldbUrl = await makeUrl(folder.path);
      const slots = SLOTS.slice(0, executives);
      const services: ServiceProcess[] = [];
      for (const _ of slots)
        services.push(await startExecutiveService(ctldbUrl, ["--destructive-schema-changes"]));
      const routed: FetchLike = (input, init) => {
        const slot = slots.findIndex((name) => input.startsWith(name));
        return fetch(input.replace(slots[slot] ?? "", services[slot]?.url ?? ""), init);
      };
      await prepareLoad(services[0]?.url ?? "", NAMES);

      let acknowledged = 0;
      let isOver = false;
      const load = runLoad({
        urls: slots,
        names: NAMES,
        isOver: () => isOver,
        fetch: routed,
        onAcknowledged: () => {
          acknowledged += 1;
        },
      });
      const changes = changeSchema(routed, slots, () => isOver);
      for (let kill = 0; kill < KILLS; kill++) {
        const from = acknowledged;
        const more = 1 + Math.floor(random() * 300);
        await until(() => acknowledged >= from + more, { what: "writes to go on", deadlineMs: 60_000 });
        const slot = kill % executives;
        await services[slot]?.process.kill();
        services[slot] = await startExecutiveService(ctldbUrl, ["--destructive-schema-changes"]);
      }
      isOver = true;
      const { writers } = await load;
      await changes;

      // The last schema change may have been left half done: whoever takes the ledger lock next finishes it.
      const [first = ""] = slots;
      await createClient(first, { adminToken: SERVICE_ADMIN_TOKEN, fetch: routed })
        .families({ family: LOAD_FAMILY })
        .post();
      const ledger = await readWholeLedger(ctldbUrl);
      expect(() => checkLedger(ledger)).not.toThrow();
      const inLedger = batchesInLedger(ledger.entries);
      for (const { name, sequences } of writers) {
        const batches = inLedger.get(name) ?? [];
        expect(batches.map(({ n }) => n)).toEqual(sequences.map((_, i) => i + 1));
        for (const [i, sequence] of sequences.entries())
          if (sequence !== null) expect(batches[i]?.sequence).toBe(sequence);
      }
      expect(await dumpCtlDb(ctldbUrl)).toEqual(replayLedger(ledger.entries));
      for (const service of services) await service[Symbol.asyncDispose]();
    },
    TIMEOUT_MS,
  );
});
