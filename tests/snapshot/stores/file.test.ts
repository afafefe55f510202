/** The stores' suite on a folder. */
import { onTestsEnd } from "../../support/cleanup.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { conformanceTests } from "./conformance.ts";

conformanceTests({
  name: "a folder",
  createStore: async () => {
    const folder = tempFolder("store");
    onTestsEnd(() => folder[Symbol.dispose]());
    return `file://${folder.path}`;
  },
  deps: async () => ({}),
  env: async () => ({}),
});
