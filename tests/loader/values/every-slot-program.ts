/** For a runtime of the loader: prints every outcome's digest, and how many there are. */
import { createHash } from "node:crypto";
import { forEverySlot } from "./every-slot.ts";

const hash = createHash("sha256");
let accepted = 0;
let refused = 0;
forEverySlot((outcome) => {
  const isRefused = typeof outcome === "string" && outcome.startsWith("refused: ");
  if (isRefused) refused += 1;
  else accepted += 1;
  const shown = outcome instanceof Uint8Array ? Buffer.from(outcome).toString("hex") : String(outcome);
  hash.update(`${typeof outcome} ${shown}\n`);
});
console.log(`${accepted} accepted, ${refused} refused, ${hash.digest("hex")}`);
