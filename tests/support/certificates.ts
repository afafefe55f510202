/**
 * Certificates for tests of TLS, made by `openssl`: an authority, and what it issues for servers and clients, also
 * certificates that have expired.
 *
 * Keys are of the curve P-256: made in milliseconds, and every server of the tests takes them.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { TempFolder } from "./temp-folder.ts";

export interface CertificateFiles {
  /** PEM. */
  readonly certFile: string;
  /** PEM, PKCS #8 without a passphrase; only its owner may read it. */
  readonly keyFile: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Names and addresses that it is good for; none by default. */
  readonly hosts?: readonly string[];
  /** How long it is valid from now on; 30 by default. */
  readonly days?: number;
  /** Instead of `days`; in the past for one that has expired. */
  readonly notAfter?: Date;
  /** For clients instead of servers. */
  readonly client?: boolean;
  /**
   * Name of the files, without ending. Files that have it already are replaced, each at once: a rotation. By default
   * every certificate has files of its own.
   */
  readonly as?: string;
}

export interface CertificateAuthority {
  /** PEM file of the authority itself: what those who trust it name. */
  readonly caFile: string;
  issue(request: CertificateRequest): CertificateFiles;
}

const DAY_MS = 24 * 3_600_000;
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

let authorities = 0;

/**
 * Makes an authority in a folder of its own inside of `folder`; several may share that.
 * @param commonName its name, for tests that tell two of them apart
 */
export function makeCa(folder: TempFolder, commonName = "Test CA"): CertificateAuthority {
  authorities += 1;
  const home = folder.file(`ca-${authorities}`);
  mkdirSync(join(home, "issued"), { recursive: true });
  const caFile = join(home, "ca.pem");
  const keyFile = join(home, "ca.key");
  const config = join(home, "ca.cnf");
  writeFileSync(config, configOf(home));
  writeFileSync(join(home, "index.txt"), "");
  const output = ["-keyout", keyFile, "-out", caFile, "-days", "3650"];
  openssl("req", "-x509", "-config", config, ...NEW_KEY, ...output, "-subj", `/CN=${commonName}`);
  let issued = 0;
  return {
    caFile,
    issue(request) {
      issued += 1;
      return issue(home, request, issued);
    },
  };
}

function issue(home: string, request: CertificateRequest, number: number): CertificateFiles {
  const path = (ending: string) => join(home, `${number}.${ending}`);
  const { commonName, as = `issued-${number}` } = request;
  const config = ["-config", join(home, "ca.cnf")];
  openssl(
    ...["req", "-new", ...config, ...NEW_KEY, "-keyout", path("key")],
    ...["-out", path("csr"), "-subj", `/CN=${commonName}`],
  );
  writeFileSync(path("ext"), extensionsOf(request));
  // Of all of openssl's commands only this one takes any dates.
  const dates = ["-startdate", asn1Time(beginOf(request)), "-enddate", asn1Time(endOf(request))];
  openssl(
    ...["ca", "-batch", "-notext", ...config, ...dates],
    ...["-in", path("csr"), "-out", path("pem"), "-extfile", path("ext")],
  );
  const files = { certFile: join(home, `${as}.pem`), keyFile: join(home, `${as}.key`) };
  renameSync(path("key"), files.keyFile);
  renameSync(path("pem"), files.certFile);
  return files;
}

function endOf({ notAfter, days = 30 }: CertificateRequest): Date {
  return notAfter ?? new Date(Date.now() + days * DAY_MS);
}

/** A day before now, or before its end: clocks differ. */
function beginOf(request: CertificateRequest): Date {
  return new Date(Math.min(Date.now(), endOf(request).getTime()) - DAY_MS);
}

/** "20260131235959Z" */
function asn1Time(date: Date): string {
  return `${date.toISOString().replace(/[-:T]|\..*$/g, "")}Z`;
}

function extensionsOf({ hosts = [], client = false }: CertificateRequest): string {
  const names = hosts.map((host) => (isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`));
  return [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    `extendedKeyUsage=${client ? "clientAuth" : "serverAuth"}`,
    ...(names.length === 0 ? [] : [`subjectAltName=${names.join(",")}`]),
    "",
  ].join("\n");
}

/** A configuration of our own: the machine's may be missing, or add what nobody here has asked for. */
function configOf(home: string): string {
  return `[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = tests
[tests]
database = ${join(home, "index.txt")}
new_certs_dir = ${join(home, "issued")}
certificate = ${join(home, "ca.pem")}
private_key = ${join(home, "ca.key")}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;
}

function openssl(...args: readonly string[]): void {
  try {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: unknown };
    if (code === "ENOENT") throw new Error("openssl is not installed: run `node scripts/setup.mjs test`");
    throw new Error(`openssl ${args.join(" ")} failed:\n${String(stderr)}`);
  }
}
