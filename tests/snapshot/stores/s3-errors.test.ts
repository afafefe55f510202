/** What S3's errors mean: those that no server here gives, as AWS documents them. */
import { describe, expect, test } from "bun:test";
import type { ErrorCode } from "../../../core/errors.ts";
import { S3_LIMITS } from "../../../core/limits.ts";
import { isMissingKey, isRace, isUnmetCondition, s3Error } from "../../../snapshot/stores/s3/errors.ts";
import { partBytesOf } from "../../../snapshot/stores/s3/upload.ts";

function answer(name: string, status: number): Error {
  return Object.assign(new Error(`as ${name}`), { name, $metadata: { httpStatusCode: status } });
}

function network(name: string, code: string): Error {
  return Object.assign(new Error(`as ${code}`), { name, code });
}

const UNAVAILABLE = "snapshot_store_unavailable";
const DENIED = "snapshot_store_denied";

const ANSWERS: readonly (readonly [name: string, status: number, meaning: ErrorCode])[] = [
  ["ExpiredToken", 400, DENIED],
  ["RequestTimeTooSkewed", 403, DENIED],
  ["AnythingNew", 401, DENIED],
  ["PermanentRedirect", 301, DENIED],
  ["AuthorizationHeaderMalformed", 400, DENIED],
  ["NotImplemented", 400, DENIED],
  ["NoSuchBucket", 404, UNAVAILABLE],
  ["SlowDown", 503, UNAVAILABLE],
  ["InternalError", 500, UNAVAILABLE],
  ["NotImplemented", 501, UNAVAILABLE],
  ["TooManyRequests", 429, UNAVAILABLE],
  ["RequestTimeout", 400, UNAVAILABLE],
  ["BadDigest", 400, UNAVAILABLE],
  ["PreconditionFailed", 412, "snapshot_conflict"],
  ["ConditionalRequestConflict", 409, "snapshot_conflict"],
];

const OTHERS: readonly (readonly [what: string, error: Error, meaning: ErrorCode])[] = [
  ["a reset", network("TimeoutError", "ECONNRESET"), UNAVAILABLE],
  ["an unknown host", network("Error", "ENOTFOUND"), UNAVAILABLE],
  ["a strange certificate", network("Error", "SELF_SIGNED_CERT_IN_CHAIN"), UNAVAILABLE],
  ["a checksum that differs", new Error("Checksum mismatch: expected x but received y"), UNAVAILABLE],
  ["a region that is missing", new Error("Region is missing"), "config_invalid"],
];

function expectMeaning(error: Error, meaning: ErrorCode): void {
  const ours = s3Error("read it", error);
  expect(ours.code).toBe(meaning);
  expect(ours.details.hint).toBeString();
  // The SDK's errors hold the whole answer.
  expect(ours.details.cause).toBeUndefined();
}

describe("an error of S3", () => {
  test.each(ANSWERS)("%s, HTTP %d, means %s", (name, status, meaning) => {
    expectMeaning(answer(name, status), meaning);
  });

  for (const [what, error, meaning] of OTHERS)
    test(`${what} means ${meaning}`, () => expectMeaning(error, meaning));

  test("tells a refused condition, a race and a missing object apart", () => {
    const missing = answer("NoSuchKey", 404);
    const unmet = answer("PreconditionFailed", 412);
    const race = answer("ConditionalRequestConflict", 409);
    const tests = [isUnmetCondition, isRace, isMissingKey].map((is) => [missing, unmet, race].map(is));
    expect(tests).toEqual([
      [true, true, false],
      [false, false, true],
      [true, false, false],
    ]);
  });
});

describe("the parts of an upload", () => {
  test("grow only when 10,000 of them would not hold the file", () => {
    const { bytes, most } = S3_LIMITS.parts;
    for (const size of [0, 1, bytes * most]) expect(partBytesOf(size, S3_LIMITS)).toBe(bytes);
    for (const size of [bytes * most + 1, 5 * 1024 ** 4]) {
      const part = partBytesOf(size, S3_LIMITS);
      expect(part).toBeGreaterThan(bytes);
      expect(Math.ceil(size / part)).toBeLessThanOrEqual(most);
    }
  });
});
