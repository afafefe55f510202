/** Opens a ctldb in a process of its own, to be killed in the middle. Argument: its URL. */
import { open } from "../ctldb/fixture.ts";

await open(process.argv[2] ?? "");
console.log("adopted");
setInterval(() => {}, 1_000);
