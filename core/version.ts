/**
 * Which ctlstore this is: the version, as package.json has it, and what the build of a binary says about itself.
 *
 * A compiled binary carries both inside; from source there is no build, and `BUILD` is null.
 */
import manifest from "../package.json" with { type: "json" };

export const VERSION: string = manifest.version;

export interface Build {
  /** The git commit it was built from, in hex; with "-dirty" after it when files differed from that. "unknown" without git. */
  readonly commit: string;
  /** Operating system and processor that it was built for, as `linux-arm64`. */
  readonly target: string;
}

/** Put in place of these names by the build (scripts/binaries). */
declare const CTLSTORE_BUILD_COMMIT: string;
declare const CTLSTORE_BUILD_TARGET: string;

export const BUILD: Build | null =
  typeof CTLSTORE_BUILD_COMMIT === "string"
    ? { commit: CTLSTORE_BUILD_COMMIT, target: CTLSTORE_BUILD_TARGET }
    : null;
