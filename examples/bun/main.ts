/**
 * A price service on Bun. It reads from the local database of its host, and goes on when all else is down.
 *
 *     LDB=../../data/ldb PORT=8080 bun main.ts
 */
import { isCtlstoreError } from "ctlstore-reader";
import { PriceLists } from "./price-lists.ts";
import { waitForTypedReader } from "./shop.ts";

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

// A host that is being started: its Reflector may still be filling the local database.
const reader = await waitForTypedReader(
  { path: process.env["LDB"] ?? "/var/spool/ctlstore" },
  { timeoutMs: 60_000, signal: stop.signal },
);
const lists = new PriceLists(reader);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 8080),
  routes: {
    "/prices/:region": (request) => {
      const list = lists.list(request.params.region);
      return new Response(list ?? "no such region", { status: list === null ? 404 : 200 });
    },
  },
  error(error) {
    // An LDB that cannot answer is never "no such region".
    console.error(error);
    return new Response(isCtlstoreError(error) ? error.code : "internal", { status: 503 });
  },
});
console.log(`prices on ${server.url}prices/eu`);

while (!stop.signal.aborted) {
  try {
    await lists.follow(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) break;
    console.error("no changes to follow, so nothing is kept:", error);
    await Bun.sleep(5_000);
  }
}
await server.stop();
reader.close();
