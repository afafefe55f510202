/** Options that say where a Reflector without a usable LDB gets one from. */
import { CtlstoreError } from "../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../core/limits.ts";
import type { BootstrapOptions } from "../reflector/options.ts";
import { type OptionValues, option, switchOption } from "./options.ts";
import { integer, snapshotStoreUrl } from "./parsers.ts";

const { default: defaultJitterMs, ...jitterBounds } = BOOTSTRAP_LIMITS.jitterMs;

export const BOOTSTRAP_OPTIONS = {
  bootstrap: option({
    flag: "bootstrap",
    placeholder: "URL",
    help:
      "store of snapshots, for a local database that is empty, too old or damaged: file:///FOLDER or " +
      "s3://BUCKET/PREFIX?endpoint=…&region=…&path-style=true",
    parse: snapshotStoreUrl,
    fallback: undefined,
  }),
  rebootstrap: switchOption({
    flag: "rebootstrap",
    help:
      "replace the local database by a snapshot that fits the ledger, once at this start, also by an older one: " +
      "after the central database was restored from a backup",
  }),
  bootstrapJitterMs: option({
    flag: "bootstrap-jitter-ms",
    placeholder: "MS",
    help: "a bootstrap begins after a random part of this time, so that a fleet does not come at once",
    parse: integer(jitterBounds),
    fallback: defaultJitterMs,
  }),
};

/** @throws CtlstoreError `config_invalid` */
export function bootstrapOf(options: OptionValues<typeof BOOTSTRAP_OPTIONS>): BootstrapOptions | undefined {
  const { bootstrap: url, rebootstrap: force, bootstrapJitterMs: jitterMs } = options;
  if (url !== undefined) return { url, force, jitterMs };
  if (!force) return undefined;
  throw new CtlstoreError("config_invalid", "Cannot use --rebootstrap without --bootstrap", {
    hint: "Give the URL of the store of snapshots with --bootstrap.",
  });
}
