/**
 * A store's URL, the one string by which a store is named everywhere:
 *
 *     file:///var/lib/ctlstore/snapshots
 *     s3://bucket/prefix?region=us-east-1
 *     s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1&path-style=true&checksums=required
 *     s3://bucket/prefix?endpoint=https://s3.internal&tls-ca=/etc/ctlstore/s3-ca.pem
 *
 * It never holds a secret: whoever gives one is refused, and nothing of it is repeated.
 */
import { fileURLToPath } from "node:url";
import { CtlstoreError, messageOf, quote } from "../../core/errors.ts";

export interface FileLocation {
  readonly kind: "file";
  readonly url: string;
  readonly folder: string;
}

export interface S3Location {
  readonly kind: "s3";
  readonly url: string;
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Null leaves it to the SDK: AWS, or what AWS_ENDPOINT_URL_S3 says. */
  readonly endpoint: string | null;
  /** Null leaves it to the SDK: AWS_REGION or the profile. */
  readonly region: string | null;
  /** The bucket is in the path, not in the host name. */
  readonly pathStyle: boolean;
  /** "required": only the checksums that S3 insists on, for servers that do not know the newer ones. */
  readonly checksums: "supported" | "required";
  /** PEM file of authorities that are trusted beside the runtime's own; null for none. */
  readonly caFile: string | null;
}

export type StoreLocation = FileLocation | S3Location;

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const PREFIX = /^(?:[\w.-]+(?:\/[\w.-]+)*)?$/;
const PARAMETERS = ["endpoint", "region", "path-style", "checksums", "tls-ca"];

/** @throws CtlstoreError `config_invalid` */
export function parseStoreUrl(text: string): StoreLocation {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "file:" && text.startsWith("file:///")) return fileLocation(text, url);
  if (url?.protocol === "s3:") return s3Location(text, url);
  throw invalid("it must be file:///FOLDER or s3://BUCKET/PREFIX");
}

function fileLocation(text: string, url: URL): FileLocation {
  if (url.search !== "" || url.hash !== "") throw invalid("a file URL has no parameters");
  try {
    return { kind: "file", url: text, folder: fileURLToPath(url).replace(/(?<=.)\/+$/, "") };
  } catch (error) {
    throw invalid(messageOf(error));
  }
}

function s3Location(text: string, url: URL): S3Location {
  refuseSecrets(url);
  const { searchParams: given } = url;
  const bucket = url.hostname;
  // As written: the parser resolves "..", and whoever writes that means something else.
  const prefix = text.replace(/^s3:\/\/[^/?#]*|[?#].*$/g, "").replace(/^\/+|\/+$/g, "");
  if (url.port !== "") throw invalid("the host of an S3 server belongs into endpoint=");
  if (!BUCKET.test(bucket)) throw invalid(`${quote(bucket)} is no name of a bucket`);
  if (!PREFIX.test(prefix) || prefix.split("/").some((part) => part === "." || part === ".."))
    throw invalid(`the prefix ${quote(prefix)} must be parts of [0-9A-Za-z._-] joined by "/"`);
  const endpoint = endpointOf(given.get("endpoint"));
  return {
    kind: "s3",
    url: text,
    bucket,
    prefix,
    endpoint,
    // A server of one's own has no regions, and signatures need one.
    region: regionOf(given.get("region")) ?? (endpoint === null ? null : "us-east-1"),
    pathStyle: oneOf(given, "path-style", ["false", "true"]) === "true",
    checksums: oneOf(given, "checksums", ["supported", "required"]),
    caFile: caFileOf(given.get("tls-ca"), endpoint),
  };
}

function refuseSecrets(url: URL): void {
  const hint = "Credentials come from the environment (AWS_ACCESS_KEY_ID), a profile, or the host's role.";
  if (url.username !== "" || url.password !== "") throw invalid("it must hold no credentials", hint);
  const names = [...url.searchParams.keys()];
  const unknown = names.find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined)
    throw invalid(`there is no parameter ${quote(unknown)}; there are ${PARAMETERS.join(", ")}`, hint);
  if (new Set(names).size < names.length) throw invalid("a parameter is given twice");
  if (url.hash !== "") throw invalid("it must have no part after #");
}

function endpointOf(value: string | null): string | null {
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  const isPlain =
    url !== null &&
    ["http:", "https:"].includes(url.protocol) &&
    url.username === "" &&
    url.password === "" &&
    url.search === "";
  if (!isPlain) throw invalid("endpoint= must be like http://127.0.0.1:9000, without credentials");
  return value.replace(/\/+$/, "");
}

function caFileOf(value: string | null, endpoint: string | null): string | null {
  if (value === "") throw invalid("tls-ca= must name a file");
  if (value !== null && endpoint?.startsWith("http:"))
    throw invalid("tls-ca= is of no use with an endpoint without TLS");
  return value;
}

function regionOf(value: string | null): string | null {
  if (value === null || /^[a-z0-9-]{1,64}$/i.test(value)) return value;
  throw invalid(`region=${quote(value)} is no name of a region`);
}

/** The first choice is the default. */
function oneOf<T extends string>(given: URLSearchParams, name: string, choices: readonly [T, ...T[]]): T {
  const value = given.get(name);
  if (value === null) return choices[0];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw invalid(`${name}= must be one of ${choices.join(", ")}`);
  return found;
}

function invalid(reason: string, hint?: string): CtlstoreError {
  return new CtlstoreError(
    "config_invalid",
    `Cannot use this URL of a snapshot store: ${reason}`,
    hint === undefined ? {} : { hint },
  );
}
