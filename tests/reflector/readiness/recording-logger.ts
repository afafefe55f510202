/** A logger that keeps what is said. */
import { type Logger, silentLogger } from "../../../core/process/logger.ts";
import { assertNoSecretInError } from "../../support/leaks.ts";

export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export function recordingLogger(): { readonly logger: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: Record<string, unknown>, message: string) => {
    assertNoSecretInError(fields);
    lines.push({ level, message, fields });
  };
  // The methods that are called here; pino's type has many more overloads than a test needs.
  const logger = {
    ...silentLogger,
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  } as unknown as Logger;
  return { logger, lines };
}
