/** What is wrong with another side's certificate, by the code that Node's and Bun's TLS give it; alike for all clients of ours. */
export type CertificateProblem = "unknown-authority" | "expired" | "not-yet-valid" | "revoked" | "other-host";

const PROBLEMS: Readonly<Record<string, CertificateProblem>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknown-authority",
  UNABLE_TO_GET_ISSUER_CERT: "unknown-authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknown-authority",
  SELF_SIGNED_CERT_IN_CHAIN: "unknown-authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknown-authority",
  CERT_SIGNATURE_FAILURE: "unknown-authority",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "not-yet-valid",
  CERT_REVOKED: "revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "other-host",
};

/** Null when the code is about something else. */
export function certificateProblem(code: string): CertificateProblem | null {
  return PROBLEMS[code] ?? null;
}
