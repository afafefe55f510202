/**
 * Every limit of the system in one place, each with its reason (I13).
 *
 * A limit that an operator may change is the default of a flag; the others are part of the formats.
 */
export * from "./limits/changelog.ts";
export * from "./limits/commands.ts";
export * from "./limits/ctldb.ts";
export * from "./limits/executive.ts";
export * from "./limits/formats.ts";
export * from "./limits/host.ts";
export * from "./limits/loader.ts";
export * from "./limits/sidecar.ts";
export * from "./limits/snapshots.ts";
export * from "./limits/tracing.ts";
