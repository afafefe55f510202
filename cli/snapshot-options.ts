/** Options of the commands that have to do with snapshots. */
import { SNAPSHOT_LIMITS } from "../core/limits.ts";
import { option } from "./options.ts";
import { duration, durationForm, integer, snapshotStoreUrl } from "./parsers.ts";

export const snapshotsOption = option({
  flag: "snapshots",
  placeholder: "URL",
  help: "store of the snapshots: file:///FOLDER or s3://BUCKET/PREFIX?endpoint=…&region=…&path-style=true&tls-ca=FILE",
  parse: snapshotStoreUrl,
  // It must hold no secret; if somebody puts one there, it is not repeated.
  secret: true,
});

const { keep, keepForMs } = SNAPSHOT_LIMITS;

/** What a store keeps. */
export const RETENTION_OPTIONS = {
  keep: option({
    flag: "keep",
    placeholder: "N",
    help: "snapshots that stay, the newest ones",
    parse: integer(keep),
    fallback: keep.default,
  }),
  keepFor: option({
    flag: "keep-for",
    placeholder: "TIME",
    help: "those that are younger stay too, such as 12h or 7d",
    parse: duration(keepForMs),
    fallback: keepForMs.default,
    fallbackText: durationForm(keepForMs.default),
  }),
};
