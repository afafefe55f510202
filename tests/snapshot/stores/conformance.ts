/** The suite that every store passes: all that `snapshot/stores/store.ts` promises. */
import { describe } from "bun:test";
import { documentTests } from "./suite/documents.ts";
import { keyTests } from "./suite/keys.ts";
import { objectTests } from "./suite/objects.ts";
import type { StoreTarget } from "./target.ts";

export function conformanceTests(target: StoreTarget): void {
  describe(`snapshots in ${target.name}`, () => {
    documentTests(target);
    objectTests(target);
    keyTests(target);
  });
}
