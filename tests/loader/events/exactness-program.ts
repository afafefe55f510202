/** For a runtime of the loader: checks the properties, then prints what the fixtures are. Arguments: seed, runs. */
import { createDecoder } from "../../../loader/events/decoder.ts";
import { checkExactJson, checkRememberedSchemas, decodeOutcome } from "./exactness.ts";
import { FIXTURES, recordOf } from "./fixtures.ts";

const [seed = "1", runs = "1"] = process.argv.slice(2);
checkExactJson(Number(seed), Number(runs));
checkRememberedSchemas(Number(seed), Number(runs));
const decoder = createDecoder();
for (const fixture of FIXTURES) console.log(decodeOutcome(decoder, recordOf(fixture)));
