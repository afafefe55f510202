/** Child processes of the tests of stores: several writers of one document, and one that dies in the middle. */
import { isCtlstoreError } from "../../../core/errors.ts";
import { FileLock } from "../../../ldb/file-lock.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import type { SnapshotStore } from "../../../snapshot/stores/store.ts";
import { until } from "../../support/until.ts";
import { absent, keysOf, outcomeOf, read, unchanged, upload, write } from "./target.ts";

const KEY = "latest.json";

/** Moves a counter on until it has reached `rounds`; gives the values that this writer wrote. */
async function countUp(store: SnapshotStore, writer: string, rounds: number): Promise<number[]> {
  const won: number[] = [];
  for (;;) {
    const found = await store.readDocument(KEY, new AbortController().signal);
    const current = found === null ? 0 : Number(new TextDecoder().decode(found.bytes).split(" ")[0]);
    if (current >= rounds) return won;
    const condition = found === null ? absent : unchanged(found.version);
    try {
      await write(store, KEY, `${current + 1} ${writer}`, condition);
      won.push(current + 1);
    } catch (error) {
      if (!isCtlstoreError(error) || error.code !== "snapshot_conflict") throw error;
    }
  }
}

const [command = "", url = "", argument = "", ...rest] = process.argv.slice(2);
const say = (message: unknown) => console.log(JSON.stringify(message));

if (command === "hold-lock") {
  using _lock = FileLock.tryAcquire(url);
  say("held");
  await new Promise(() => setInterval(() => {}, 60_000));
}

await using store = await openSnapshotStore(url);
if (command === "race") {
  say("ready");
  await until(async () => (await read(store, "go")) !== null, { what: "the start of the race" });
  const writers = Array.from({ length: Number(rest[0]) }, (_, i) => `${process.pid}/${i}`);
  say((await Promise.all(writers.map((writer) => countUp(store, writer, Number(argument))))).flat());
} else if (command === "die-uploading") {
  const onProgress = () => process.kill(process.pid, "SIGKILL");
  const signal = new AbortController().signal;
  await store.uploadFile("snapshots/big", argument, { contentType: "text/plain", signal, onProgress });
} else if (command === "fill-disk") {
  const version = await write(store, KEY, "before", absent);
  const large = await outcomeOf(upload(store, "snapshots/large", argument));
  const document = await outcomeOf(write(store, KEY, "x".repeat(3 << 20), unchanged(version)));
  const [small = ""] = rest;
  const after = await outcomeOf(upload(store, "snapshots/small", small));
  const unfinished = await store.removeUnfinished(0, new AbortController().signal);
  say({ large, document, kept: await read(store, KEY), after, keys: await keysOf(store), unfinished });
} else if (command === "look") {
  say(
    await read(store, KEY).catch((error: unknown) =>
      isCtlstoreError(error) ? `${error.code}: ${error.message}` : error,
    ),
  );
} else if (command === "read-only") {
  const reads = await read(store, KEY);
  say({ reads, writes: await outcomeOf(write(store, KEY, "other", absent)), keys: await keysOf(store) });
}
