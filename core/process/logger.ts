/** Logging: one JSON line per event through pino. The only file that knows pino. */
import type { Logger as PinoLogger } from "pino";

/** error = someone must act, warn = we recovered and it cost something, info = lifecycle, debug = each step. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** The part of pino's interface that ctlstore uses: fields first, then a message that never varies. */
export interface Logger extends Pick<PinoLogger, "debug" | "info" | "warn" | "error"> {
  child(fields: Record<string, unknown>): Logger;
}

/** Names under which a secret might be logged by mistake; pino replaces their values, at the top and one level below. */
const SECRET_NAMES = [
  "secret",
  "secrets",
  "token",
  "adminToken",
  "password",
  "passphrase",
  "authorization",
  "credentials",
  "secretAccessKey",
  "sessionToken",
  "sql",
];
const SECRET_FIELDS = SECRET_NAMES.flatMap((name) => [name, `*.${name}`]);

/** The password of a URL, wherever in a line it stands: in a message of somebody else's error, for instance (R45). */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:@/"]*):[^\s/"]+@/gi;

function withoutPasswords(line: string): string {
  return line.includes("://") ? line.replace(URL_PASSWORD, "$1:[redacted]@") : line;
}

/** A logger that writes JSON lines to standard error, synchronously, so that the last words of a crash are there. */
export function createLogger(component: string, level: LogLevel = "info"): Logger {
  // Loaded when first needed: it costs a third of the start of a command that logs nothing (B14).
  const { destination, pino } = require("pino") as typeof import("pino");
  const stderr = destination({ fd: 2, sync: true });
  return pino(
    {
      level,
      base: { component, pid: process.pid },
      redact: { paths: SECRET_FIELDS, censor: "[redacted]" },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void stderr.write(withoutPasswords(line)) },
  );
}

const silence = () => {};

export const silentLogger: Logger = {
  debug: silence,
  info: silence,
  warn: silence,
  error: silence,
  child: () => silentLogger,
};
