/** The reader's suite on Bun; on the other runtimes it is run by `tests/runtimes/reader.test.ts`. */
import { bunEnvironment } from "./bun-environment.ts";
import { defineReaderSuite } from "./suite/all.ts";

defineReaderSuite(bunEnvironment);
