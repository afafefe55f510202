/**
 * A consumer in a process of its own that kills itself after some events, for `changelog-run.ts`.
 *
 * Arguments: LDB folder, its file, seed, number of events.
 */
import { openReader } from "../../reader/index.ts";
import { seededRandom } from "../support/suite.ts";
import { CopyKeeper } from "./changelog-consumer.ts";

const [ldbFolder = "", path = "", seed = "0", events = "0"] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const keeper = await CopyKeeper.begin(openReader({ path: ldbFolder, integers: "bigint" }), path);
for (let left = Number(events); left > 0; left--) {
  await keeper.step();
  if (random() < 0.2) keeper.keep();
}
process.kill(process.pid, "SIGKILL");
