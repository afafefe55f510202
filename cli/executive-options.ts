/** How commands reach an Executive: by URL or unix socket, with certificates where it wants some. */
import type { Reach } from "../core/process/fetch/reach.ts";
import type { Logger } from "../core/process/logger.ts";
import { type OptionValues, option } from "./options.ts";
import { executiveAddress, text } from "./parsers.ts";

export const executiveOption = option({
  flag: "executive",
  placeholder: "URL",
  help: "where the Executive listens: http://…, https://… or unix:PATH",
  parse: executiveAddress,
  fallback: "http://127.0.0.1:3000",
});

const fileOption = (flag: string, help: string) =>
  option<string, undefined>({ flag, placeholder: "FILE", help, parse: text, fallback: undefined });

export const EXECUTIVE_FILE_OPTIONS = {
  executiveCa: fileOption("executive-ca", "authorities whose certificate the Executive may have (PEM)"),
  executiveCert: fileOption("executive-cert", "our certificate, for an Executive that asks for one (PEM)"),
  executiveKey: fileOption("executive-key", "its key (PEM)"),
};

export const EXECUTIVE_OPTIONS = { executive: executiveOption, ...EXECUTIVE_FILE_OPTIONS };

export type ExecutiveValues = OptionValues<typeof EXECUTIVE_OPTIONS>;

/** @throws CtlstoreError `config_invalid` when a file cannot be used */
export async function reachExecutive(
  { executive, executiveCa, executiveCert, executiveKey }: ExecutiveValues,
  logger?: Logger,
): Promise<Reach> {
  const files = { caFile: executiveCa, certFile: executiveCert, keyFile: executiveKey };
  const { reach } = await import("../core/process/fetch/reach.ts");
  return reach(executive, files, logger);
}

/** The part of it that is given on beside the URL. */
export function sentBy({ fetch }: Reach): Pick<Reach, "fetch"> {
  return fetch === undefined ? {} : { fetch };
}
