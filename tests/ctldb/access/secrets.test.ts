/** Writers' secrets: how they are stored, and which of them are valid (D22, R45). */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { parseFamilyName, parseWriterName } from "../../../core/names.ts";
import { assertGranted } from "../../../ctldb/access/grants.ts";
import {
  assertCredentials,
  REVOKED,
  secretForm,
  storedSecret,
  validSecret,
  type WriterAccess,
} from "../../../ctldb/access/secrets.ts";
import { decodeGrants } from "../../../ctldb/writer-row.ts";

const WRITER = parseWriterName("writer-1");
const NOW = 1_800_000_000;
const OLD_FORM = { original: true };
const NEW_FORM = { original: false };

function access(more: Partial<WriterAccess> = {}): WriterAccess {
  return {
    name: WRITER,
    secretHash: storedSecret("current", NEW_FORM),
    previousSecret: null,
    grants: null,
    ...more,
  };
}

describe("a stored secret", () => {
  test("D22 is salted, so that the same secret is stored differently each time", () => {
    const texts = Array.from({ length: 50 }, () => storedSecret("s3cr3t, the same", NEW_FORM));
    expect(new Set(texts).size).toBe(50);
    for (const text of texts) {
      expect(text).toMatch(/^s1\$[0-9a-f]{32}\$[0-9a-f]{64}$/);
      expect(secretForm(text)).toBe("salted");
      expect(validSecret(access({ secretHash: text }), "s3cr3t, the same", NOW)).toBe("current");
      expect(validSecret(access({ secretHash: text }), "S3cr3t, the same", NOW)).toBeNull();
    }
  });

  test("is SHA-256 in hex, as the original has it, when its Executive writes beside ours", () => {
    const text = storedSecret("sécret 🔑", OLD_FORM);
    expect(text).toBe(createHash("sha256").update("sécret 🔑", "utf8").digest("hex"));
    expect(secretForm(text)).toBe("sha256");
    expect(validSecret(access({ secretHash: text }), "sécret 🔑", NOW)).toBe("current");
    expect(validSecret(access({ secretHash: text }), text, NOW)).toBeNull();
  });

  test.each([
    REVOKED,
    "",
    "s1$",
    "s2$00$00",
    `s1$${"0".repeat(31)}$${"0".repeat(64)}`,
    createHash("sha256").update("current").digest("hex").toUpperCase(),
    "current",
    "NULL",
  ])("lets nobody in when it is %j, which is no form of ours", (text) => {
    expect(secretForm(text)).toBeNull();
    for (const secret of ["current", text, ""])
      expect(validSecret(access({ secretHash: text }), secret, NOW)).toBeNull();
  });
});

describe("a writer's previous secret", () => {
  const rotated = access({
    previousSecret: { hash: storedSecret("before", OLD_FORM), until: NOW + 10 },
  });

  test("R45 is valid beside the current one until the overlap ends, and not a second longer", () => {
    expect(validSecret(rotated, "current", NOW + 10)).toBe("current");
    expect(validSecret(rotated, "before", NOW)).toBe("previous");
    expect(validSecret(rotated, "before", NOW + 9)).toBe("previous");
    expect(validSecret(rotated, "before", NOW + 10)).toBeNull();
    expect(validSecret(rotated, "neither", NOW)).toBeNull();
  });
});

describe("credentials", () => {
  test("D22 are refused in the same words whatever is wrong with them", () => {
    const errors = [
      () => assertCredentials(null, WRITER, "current", NOW),
      () => assertCredentials(access(), WRITER, "wrong", NOW),
      () => assertCredentials(access({ secretHash: REVOKED }), WRITER, "current", NOW),
      // Found by a database that takes upper and lower case for the same.
      () => assertCredentials(access(), parseWriterName("WRITER-1"), "current", NOW),
    ].map((attempt) => {
      try {
        attempt();
      } catch (error) {
        return error;
      }
      throw new Error("expected a refusal");
    });
    for (const error of errors) expect(error).toEqual(errors[0]);
    expect(errors[0]).toMatchObject({ code: "bad_credentials" });
    assertCredentials(access(), WRITER, "current", NOW);
  });
});

describe("grants", () => {
  const shop = parseFamilyName("shop");
  const stock = parseFamilyName("stock");
  const mayWrite = (grants: WriterAccess["grants"], requireGrants: boolean) =>
    [null, shop, stock].map((family) => {
      try {
        assertGranted({ name: WRITER, grants }, family, { requireGrants });
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: "not_granted" });
        return false;
      }
    });

  test("D22 open every family, or none where grants are required, when none were given", () => {
    expect(mayWrite(null, false)).toEqual([true, true, true]);
    expect(mayWrite(null, true)).toEqual([true, false, false]);
  });

  test("D22 open the families that were given and the cookie, and nothing else", () => {
    for (const requireGrants of [false, true]) {
      expect(mayWrite(new Set(["shop"]), requireGrants)).toEqual([true, true, false]);
      expect(mayWrite(new Set(), requireGrants)).toEqual([true, false, false]);
    }
  });

  test.each(['["shop"', "", "null", "{}", '"shop"', "[1]", "shop"])(
    "D22 open no family when somebody has broken them to %j",
    (text) => {
      expect(mayWrite(decodeGrants(text), false)).toEqual([true, false, false]);
    },
  );
});
