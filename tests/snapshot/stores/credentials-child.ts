/** Reads from the store of argv[2], once until it is stopped and once to the end, and says how each went. */
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";

const [, , url = ""] = process.argv;
await using store = await openSnapshotStore(url, { limits: { credentialsMs: 500 } });
const stopping = new AbortController();
setTimeout(() => stopping.abort(new Error("asked to stop")), 100);
for (const signal of [stopping.signal, new AbortController().signal]) {
  await store.readDocument("latest.json", signal).catch((error: Error) => console.log(error.message));
}
process.exit(0);
