/** Logging: one JSON line per event through pino. The only file that knows pino. */
import type { Logger as PinoLogger } from "pino";

/** error = someone must act, warn = we recovered and it cost something, info = lifecycle, debug = each step. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** The part of pino's interface that ctlstore uses: fields first, then a message that never varies. */
export interface Logger extends Pick<PinoLogger, "debug" | "info" | "warn" | "error"> {
  child(fields: Record<string, unknown>): Logger;
}

/** Names under which a secret might be logged by mistake; pino replaces their values. */
const SECRET_FIELDS = [
  "secret",
  "adminToken",
  "password",
  "authorization",
  "*.secret",
  "*.adminToken",
  "*.password",
];

/** A logger that writes JSON lines to standard error, synchronously, so that the last words of a crash are there. */
export function createLogger(component: string, level: LogLevel = "info"): Logger {
  // Loaded when first needed: it costs a third of the start of a command that logs nothing (B14).
  const { destination, pino } = require("pino") as typeof import("pino");
  return pino(
    {
      level,
      base: { component, pid: process.pid },
      redact: { paths: SECRET_FIELDS, censor: "[redacted]" },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ fd: 2, sync: true }),
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
