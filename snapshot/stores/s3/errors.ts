/**
 * What an error of the S3 SDK means: classified by its name, status and code, here alone.
 *
 * The SDK's errors are not kept as causes: they carry the whole answer, and whoever logs a cause would log that.
 */
import { CtlstoreError, isCtlstoreError } from "../../../core/errors.ts";
import { type CertificateProblem, certificateProblem } from "../../../core/process/certificate-problem.ts";
import type { Meaning } from "../outcomes.ts";

interface Facts {
  /** S3's own name for it, such as "NoSuchKey"; else the error's. */
  readonly name: string;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** Of the network or TLS, such as "ECONNRESET". The error's name says "TimeoutError" for that one, too. */
  readonly code: string;
  readonly message: string;
}

const CREDENTIALS: Meaning = {
  code: "snapshot_store_denied",
  hint: "Which credentials are used? They come from the environment, a profile, or the host's role.",
};
const CLOCK: Meaning = {
  code: "snapshot_store_denied",
  hint: "Set this host's clock: signatures are refused when it is more than 15 minutes off.",
};
const RIGHTS: Meaning = {
  code: "snapshot_store_denied",
  hint: "ctlstore needs s3:GetObject and s3:ListBucket; the Supervisor also s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucketMultipartUploads. Without s3:ListBucket S3 says the same of objects that are missing.",
};
const REGION: Meaning = {
  code: "snapshot_store_denied",
  hint: "The bucket is in another region: name that by region= in the URL, or by AWS_REGION.",
};
const NO_BUCKET: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "There is no such bucket: make it, or correct the URL.",
};
const REFUSED: Meaning = {
  code: "snapshot_store_denied",
  hint: "The server refuses the request itself. An older server than S3's own may need checksums=required in the URL.",
};
const NOT_S3: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "Something that is not S3 answered: is endpoint= right, and what is between here and there?",
};
const CONFLICT: Meaning = { code: "snapshot_conflict", hint: "Somebody else wrote it meanwhile." };
const AWAY: Meaning = { code: "snapshot_store_unavailable", hint: "It is tried again later." };
const UNTRUSTED: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "The server's certificate is not trusted: name the file of its authority by tls-ca= in the URL, or by NODE_EXTRA_CA_CERTS.",
};
const OTHER_HOST: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "The server's certificate is for other hosts: is endpoint= right? A bucket in the host name needs a certificate for that, or path-style=true.",
};
const EXPIRED: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "The server's certificate has expired, or is not valid yet: renew it there, or set this host's clock.",
};

const BY_NAME: Readonly<Record<string, Meaning>> = {
  CredentialsProviderError: CREDENTIALS,
  InvalidAccessKeyId: CREDENTIALS,
  SignatureDoesNotMatch: CREDENTIALS,
  ExpiredToken: CREDENTIALS,
  InvalidToken: CREDENTIALS,
  TokenRefreshRequired: CREDENTIALS,
  // In the answer to a deletion of many it has no status.
  AccessDenied: RIGHTS,
  RequestTimeTooSkewed: CLOCK,
  PermanentRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  NoSuchBucket: NO_BUCKET,
  NotFound: NOT_S3,
  PreconditionFailed: CONFLICT,
  ConditionalRequestConflict: CONFLICT,
  // Answered with 400, and yet nothing but a broken or slow connection.
  RequestTimeout: AWAY,
  IncompleteBody: AWAY,
  BadDigest: AWAY,
  XAmzContentSHA256Mismatch: AWAY,
};

const BY_CERTIFICATE: Partial<Readonly<Record<CertificateProblem, Meaning>>> = {
  "unknown-authority": UNTRUSTED,
  "other-host": OTHER_HOST,
  expired: EXPIRED,
  "not-yet-valid": EXPIRED,
};

/** @param action what was tried, such as `read "latest.json" in s3://bucket` */
export function s3Error(action: string, error: unknown): CtlstoreError {
  if (isCtlstoreError(error)) return error;
  const facts = factsOf(error);
  if (facts.name === "Error" && /^Region is missing/.test(facts.message)) return noRegion(action);
  const { code, hint } = meaningOf(facts);
  return new CtlstoreError(code, `Cannot ${action}: ${describe(facts)}`, { hint });
}

/** True when S3 says that there is no such object; a 404 of something else, which the SDK calls "NotFound", does not. */
export function isMissingKey(error: unknown): boolean {
  return factsOf(error).name === "NoSuchKey";
}

/** True when the condition of a request is not met. For `If-Match` on an object that is missing S3 answers 404. */
export function isUnmetCondition(error: unknown): boolean {
  return factsOf(error).status === 412 || isMissingKey(error);
}

/** True when another conditional write was under way: this one did nothing and may be tried again. */
export function isRace(error: unknown): boolean {
  const { name, status } = factsOf(error);
  return status === 409 && name !== "NoSuchBucket";
}

/** True when the object has no byte at the position. */
export function isBeyondEnd(error: unknown): boolean {
  return factsOf(error).status === 416;
}

function meaningOf({ name, status, code }: Facts): Meaning {
  const problem = certificateProblem(code);
  const named = BY_NAME[name] ?? (problem === null ? undefined : BY_CERTIFICATE[problem]);
  if (named !== undefined) return named;
  if (status === null || status < 300 || status >= 500 || status === 408 || status === 429) return AWAY;
  if (status === 401 || status === 403) return RIGHTS;
  if (status < 400) return REGION;
  return status === 409 || status === 412 ? CONFLICT : REFUSED;
}

function describe({ name, status, code, message }: Facts): string {
  const what = [name === "Error" ? "" : name, code, status === null ? "" : `HTTP ${status}`];
  const label = what.filter((part) => part !== "").join(", ");
  return label === "" ? message : `${message} (${label})`;
}

/** Reads what an unknown value says of itself; the SDK's classes do not cover what the network throws. */
function factsOf(error: unknown): Facts {
  if (!(error instanceof Error)) return { name: "Error", status: null, code: "", message: String(error) };
  const { $metadata, Code, code } = error as Error & {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly Code?: unknown;
    readonly code?: unknown;
  };
  return {
    name: typeof Code === "string" ? Code : error.name,
    status: $metadata?.httpStatusCode ?? null,
    code: typeof code === "string" ? code : "",
    message: error.message,
  };
}

function noRegion(action: string): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot ${action}: the region of the bucket is not known`, {
    hint: "Add region= to the URL, or set AWS_REGION.",
  });
}
