/**
 * Writers' secrets: how they are stored, and whether one that was sent is valid (D22, R45).
 *
 * Ours are salted, `s1$<salt>$<HMAC-SHA-256 of the secret under the salt>` in hex; SHA-256 in hex, as the original stores
 * them, is understood too. Secrets are compared in constant time, and whatever is wrong (the name, the secret, the form in
 * which it is stored) costs the same steps and gets the same answer, so that names cannot be probed.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { CtlstoreError } from "../../core/errors.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import type { WriterName } from "../../core/names.ts";
import type { WriterRecord } from "../store.ts";

/** What is known of a writer, without its cookie. */
export type WriterAccess = Omit<WriterRecord, "cookie">;

/** Which of a writer's secrets was sent. */
export type ValidSecret = "current" | "previous";

/** Stands for the secret of a revoked writer; no digest, so no secret is it, for the original's Executive neither. */
export const REVOKED = "!";

const SALTED = /^s1\$([0-9a-f]{32})\$([0-9a-f]{64})$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** Text for `mutators.secret`: salted, or with `original` as the original's Executive reads it. */
export function storedSecret(secret: string, { original }: { readonly original: boolean }): string {
  if (original) return sha256(secret).toString("hex");
  const salt = randomBytes(16);
  return `s1$${salt.toString("hex")}$${mac(secret, salt).toString("hex")}`;
}

/** How a secret is stored; null of a revoked writer, and of a text that is none of ours. */
export function secretForm(stored: string): "salted" | "sha256" | null {
  if (SALTED.test(stored)) return "salted";
  return SHA256.test(stored) ? "sha256" : null;
}

function sha256(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function mac(secret: string, salt: Uint8Array): Buffer {
  return createHmac("sha256", salt).update(secret).digest();
}

interface Digests {
  readonly salt: Buffer;
  readonly salted: Buffer;
  readonly plain: Buffer;
}

/** Digests that no secret has, for whatever is not there: comparing with them takes as long as with any others. */
const NOBODYS: Digests = { salt: randomBytes(16), salted: randomBytes(32), plain: randomBytes(32) };

function digestsOf(stored: string | undefined): Digests {
  if (stored === undefined) return NOBODYS;
  const [, salt, salted] = SALTED.exec(stored) ?? [];
  if (salt !== undefined && salted !== undefined)
    return { ...NOBODYS, salt: Buffer.from(salt, "hex"), salted: Buffer.from(salted, "hex") };
  return SHA256.test(stored) ? { ...NOBODYS, plain: Buffer.from(stored, "hex") } : NOBODYS;
}

function isSecretOf(stored: string | undefined, secret: string, plain: Buffer): boolean {
  const digests = digestsOf(stored);
  const isSalted = timingSafeEqual(mac(secret, digests.salt), digests.salted);
  const isPlain = timingSafeEqual(plain, digests.plain);
  return isSalted || isPlain;
}

/**
 * Secrets found right, as SHA-256, by how they are stored: who writes all the time is compared with that. A request's secret
 * is judged before its body is read, before the queue and under the ledger lock.
 */
const proven = new Map<string, Buffer>();

function isProven(stored: string | undefined, plain: Buffer): boolean {
  const known = stored === undefined ? undefined : proven.get(stored);
  return known !== undefined && timingSafeEqual(known, plain);
}

function remember(stored: string | undefined, plain: Buffer): void {
  if (stored === undefined) return;
  proven.set(stored, plain);
  const [oldest] = proven.size > ACCESS_LIMITS.cachedWriters ? proven.keys() : [];
  if (oldest !== undefined) proven.delete(oldest);
}

/** @param nowSeconds Unix time: the ctldb's under the ledger lock, the process's elsewhere */
export function validSecret(
  record: WriterAccess | null,
  secret: string,
  nowSeconds: number,
): ValidSecret | null {
  const plain = sha256(secret);
  // Who is right may have the answer sooner; what is wrong takes every step.
  if (isProven(record?.secretHash, plain)) return "current";
  if (isSecretOf(record?.secretHash, secret, plain)) {
    remember(record?.secretHash, plain);
    return "current";
  }
  const isPrevious = isSecretOf(record?.previousSecret?.hash, secret, plain);
  return isPrevious && nowSeconds < (record?.previousSecret?.until ?? 0) ? "previous" : null;
}

/** One answer for an unknown writer and for a wrong, outdated or revoked secret. */
export function badCredentials(): CtlstoreError {
  return new CtlstoreError(
    "bad_credentials",
    "Cannot authenticate the writer: its name or its secret is wrong",
    {
      hint: "send ctlstore-writer and ctlstore-secret as they were registered with POST /writers/{name}",
    },
  );
}

/**
 * @param nowSeconds as for `validSecret`
 * @throws CtlstoreError `bad_credentials`
 */
export function assertCredentials(
  record: WriterAccess | null,
  writer: WriterName,
  secret: string,
  nowSeconds: number,
): asserts record is WriterAccess {
  const valid = validSecret(record, secret, nowSeconds);
  // A database may find a writer of another case under a name.
  if (valid === null || record?.name !== writer) throw badCredentials();
}
