/** Listens on the address that it is given until it is killed. */
import { listen } from "../../../core/process/listen.ts";

await listen(process.argv[2] ?? "", { fetch: () => new Response("other") });
console.log("listening");
