/** Writers' secrets: stored as SHA-256 in hex, as the original does, and compared in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";
import { CtlstoreError } from "../../core/errors.ts";
import type { WriterName } from "../../core/names.ts";
import type { WriterRecord } from "../store.ts";

export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

export function secretMatches(record: WriterRecord, secret: string): boolean {
  const given = Buffer.from(hashSecret(secret));
  const stored = Buffer.from(record.secretHash);
  return given.length === stored.length && timingSafeEqual(given, stored);
}

/** One answer for an unknown writer and for a wrong secret, so that names cannot be probed. */
export function assertCredentials(
  record: WriterRecord | null,
  writer: WriterName,
  secret: string,
): asserts record is WriterRecord {
  if (record !== null && record.name === writer && secretMatches(record, secret)) return;
  throw new CtlstoreError(
    "bad_credentials",
    "Cannot authenticate the writer: its name or its secret is wrong",
    {
      hint: "send ctlstore-writer and ctlstore-secret as they were registered with POST /writers/{name}",
    },
  );
}
