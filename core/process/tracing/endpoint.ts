/** Where spans are sent. */
import type { EnvironmentReader } from "./environment.ts";

const TRACES_PATH = "v1/traces";
const OWN_VARIABLE = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const SHARED_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT";

/**
 * The URL that spans are sent to; null when none is given, or none that can be used.
 * @param flag a URL that has been checked already
 */
export function endpointFrom(flag: string | undefined, environment: EnvironmentReader): string | null {
  if (flag !== undefined) return below(flag);
  const name = environment.text(OWN_VARIABLE) === undefined ? SHARED_VARIABLE : OWN_VARIABLE;
  const text = environment.text(name);
  if (text === undefined) return null;
  const problem = problemOf(text);
  if (problem !== null) {
    environment.complain(name, `${problem}; nothing is traced`);
    return null;
  }
  // The one for traces alone is taken as it is.
  return name === OWN_VARIABLE ? text : below(text);
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
  // Requests with such URLs are refused, with the password in the reason.
  if (username !== "" || password !== "")
    return "its URL must hold no user or password; a token goes into OTEL_EXPORTER_OTLP_HEADERS";
  return null;
}
