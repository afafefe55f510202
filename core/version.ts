/** The version of this ctlstore, as package.json has it; a compiled binary carries it inside. */
import manifest from "../package.json" with { type: "json" };

export const VERSION: string = manifest.version;
