/** Why a request had no answer, in words: what is wrong with a certificate, and which flag is about it. */
import { isCtlstoreError } from "../core/errors.ts";
import { type CertificateProblem, certificateProblem } from "../core/process/certificate-problem.ts";

export interface ConnectionProblem {
  /** Completes "Cannot reach the Executive: ". */
  readonly reason: string;
  readonly hint?: string;
}

const CLIENT_HINT =
  "an Executive with TLS takes https://, one with --tls-client-ca a certificate: --executive-cert, --executive-key";

const CERTIFICATES: Partial<Readonly<Record<CertificateProblem, readonly [reason: string, hint: string]>>> = {
  "unknown-authority": [
    "its certificate is of an authority that is not trusted here",
    "--executive-ca names the file of its authority",
  ],
  expired: ["its certificate has expired", "renew it, or look at the clock of this host"],
  "not-yet-valid": ["its certificate is not valid yet", "look at the clock of this host"],
  "other-host": ["its certificate is for other hosts", "--executive must name it as its certificate does"],
};

/**
 * Null when nothing is known but that there was no answer. None of them says that the request was not carried out: what
 * failed may have been another attempt of the runtime's own, on a new connection, after the first was lost.
 */
export function connectionProblem(thrown: unknown): ConnectionProblem | null {
  const code = codeOf(thrown);
  const problem = certificateProblem(code);
  const [reason, hint] = (problem === null ? undefined : CERTIFICATES[problem]) ?? [];
  if (reason !== undefined && hint !== undefined) return { reason: `${reason} (${code})`, hint };
  if (code === "EPROTO" || code.startsWith("ERR_SSL_"))
    return { reason: `the TLS handshake failed (${code})`, hint: CLIENT_HINT };
  if (code === "ECONNREFUSED" || code === "ENOENT") return { reason: `nobody listens there (${code})` };
  // Also what a certificate that it does not take looks like from here.
  if (code === "ECONNRESET") return { reason: "it closed the connection", hint: CLIENT_HINT };
  return null;
}

/** Of the error, or of what caused it: Node's fetch puts one around. */
function codeOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    if ("code" in error && typeof error.code === "string" && !isCtlstoreError(error)) return error.code;
  }
  return "";
}
