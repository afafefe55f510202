/** Where spans are sent. */
import { CtlstoreError } from "../../errors.ts";
import type { EnvironmentReader } from "./environment.ts";

const TRACES_PATH = "v1/traces";
const HINT = "such as http://127.0.0.1:4318; tokens go into OTEL_EXPORTER_OTLP_HEADERS";

/**
 * The collector's address from a flag.
 * @throws CtlstoreError `config_invalid`, without the URL in the message, which may hold a password
 */
export function parseOtlpEndpoint(text: string): string {
  const problem = problemOf(text);
  if (problem === null) return text;
  throw new CtlstoreError("config_invalid", `Cannot send traces there: ${problem}`, { hint: HINT });
}

/** The URL that spans are sent to; null when none is given, or none that can be used. @throws CtlstoreError `config_invalid` */
export function endpointFrom(flag: string | undefined, environment: EnvironmentReader): string | null {
  if (flag !== undefined) return below(parseOtlpEndpoint(flag));
  const own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  const shared = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const name = environment.text(own) === undefined ? shared : own;
  const text = environment.text(name);
  if (text === undefined) return null;
  const problem = problemOf(text);
  if (problem !== null) {
    environment.complain(name, `${problem}; nothing is traced`);
    return null;
  }
  // The one for traces alone is taken as it is.
  return name === own ? text : below(text);
}

function below(base: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${TRACES_PATH}`;
  return url.href;
}

function problemOf(text: string): string | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    return "it needs to be a URL of http:// or https://";
  const { username, password } = new URL(text);
  return username === "" && password === "" ? null : "its URL holds a user or a password";
}
