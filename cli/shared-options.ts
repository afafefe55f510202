/** Options that several commands have. */
import { REFLECTOR_LIMITS, VERIFY_LIMITS } from "../core/limits.ts";
import { LOG_LEVELS, type LogLevel } from "../core/process/logger.ts";
import { DEFAULT_LDB_FOLDER } from "../ldb/layout.ts";
import { option, switchOption } from "./options.ts";
import { bindAddressOrSocket, choice, ctldbUrl, integer, text } from "./parsers.ts";

const logLevelOption = option({
  flag: "log-level",
  placeholder: "LEVEL",
  help: `what is logged, as JSON lines on standard error: ${LOG_LEVELS.join(", ")}`,
  parse: choice(LOG_LEVELS),
  fallback: "info" as LogLevel,
});

/** What every command has; see `CommonValues`. */
export const COMMON_OPTIONS = { logLevel: logLevelOption };

export const jsonOption = switchOption({ flag: "json", help: "print JSON, for scripts" });

const ctldbDeclaration = {
  flag: "ctldb",
  placeholder: "URL",
  help: "the central database: sqlite:PATH or mysql://user:password@host:port/database?tls-ca=FILE (also tls, tls-cert, tls-key, tls-server-name)",
  parse: ctldbUrl,
  // A URL of this kind may hold a password; so it may also come from a file.
  secret: true,
};

export const ctldbOption = option<string>(ctldbDeclaration);

/** For a command that can do without. */
export const optionalCtldbOption = option<string, undefined>({ ...ctldbDeclaration, fallback: undefined });

export const ldbOption = option({
  flag: "ldb",
  placeholder: "DIR",
  help: "folder of the local database",
  parse: text,
  fallback: DEFAULT_LDB_FOLDER,
  originalVariable: "CTLSTORE_PATH",
});

/** Of comparisons. */
export const differencesOption = option({
  flag: "differences",
  placeholder: "N",
  help: "differing rows to show of each table",
  parse: integer({ min: 0, max: 100_000 }),
  fallback: VERIFY_LIMITS.shownDifferences,
});

export const statusBindOption = option({
  flag: "bind",
  placeholder: "HOST:PORT",
  help: "where to answer /status, /healthz, /readyz and /metrics, or unix:PATH; without it nowhere",
  parse: bindAddressOrSocket,
  fallback: undefined,
});

export const pollIntervalOption = option({
  flag: "poll-interval-ms",
  placeholder: "MS",
  help: "pause between polls of the ledger when nothing is behind",
  parse: integer({ min: 10, max: 3_600_000 }),
  fallback: REFLECTOR_LIMITS.pollIntervalMs,
});

const adminTokenDeclaration = {
  flag: "admin-token",
  placeholder: "TOKEN",
  help: "an operator's token, or the Executive's admin token; @FILE reads it from a file",
  parse: text,
  secret: true,
};

export const adminTokenOption = option<string>(adminTokenDeclaration);

/** For commands that need it only of an Executive elsewhere. */
export const optionalAdminTokenOption = option<string, undefined>({
  ...adminTokenDeclaration,
  fallback: undefined,
});

export const writerOption = option({
  flag: "writer",
  placeholder: "NAME",
  help: "name of the registered writer",
  parse: text,
});

const secretDeclaration = {
  flag: "secret",
  placeholder: "SECRET",
  help: "the writer's secret; @FILE reads it from a file",
  parse: text,
  secret: true,
};

export const secretOption = option<string>(secretDeclaration);

/** For a command that makes one itself. */
export const optionalSecretOption = option<string, undefined>({ ...secretDeclaration, fallback: undefined });
