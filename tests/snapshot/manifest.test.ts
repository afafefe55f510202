/** Manifests, the index and names of objects: what is read comes from outside, possibly from another version (R40). */
import { describe, expect, test } from "bun:test";
import { schemaFingerprint } from "../../core/digest/schema-fingerprint.ts";
import { toSequence } from "../../core/sequence.ts";
import { entryOf, readIndex, readManifest } from "../../snapshot/documents.ts";
import { dataKey, manifestKey } from "../../snapshot/layout.ts";
import { parseIndex, parseManifest, type SnapshotIndex, serialize } from "../../snapshot/manifest.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makePublishable } from "./make-publishable.ts";
import { MemoryStore } from "./memory-store.ts";

const never = new AbortController().signal;
const BEYOND_DOUBLE = "9007199254740993";

function sampleManifest() {
  using folder = tempFolder();
  return makePublishable(folder, 7).manifest;
}

function sampleIndex(): SnapshotIndex {
  const manifest = sampleManifest();
  const latest = entryOf(manifest, { key: "snapshots/x.json", bytes: serialize(manifest) });
  return {
    formatVersion: 1,
    publicationId: crypto.randomUUID(),
    publishedAt: new Date().toISOString(),
    publishedBy: "test",
    latest,
    previous: [latest],
  };
}

/** The stored form with one member changed, by its path. */
function changed(document: Parameters<typeof serialize>[0], path: string, value: unknown): Uint8Array {
  const json: Record<string, unknown> = JSON.parse(Buffer.from(serialize(document)).toString());
  let at: Record<string, unknown> = json;
  const parts = path.split(".");
  for (const part of parts.slice(0, -1)) at = at[part] as Record<string, unknown>;
  const last = parts.at(-1) ?? "";
  if (value === undefined) delete at[last];
  else at[last] = value;
  return Buffer.from(JSON.stringify(json));
}

describe("a manifest", () => {
  test("is read as it was written, with 64-bit sequences exact (I12)", () => {
    const manifest = { ...sampleManifest(), sequence: toSequence(BEYOND_DOUBLE) };
    expect(parseManifest(serialize(manifest), "it")).toEqual(manifest);
    expect(Buffer.from(serialize(manifest)).toString()).toContain(`"sequence": "${BEYOND_DOUBLE}"`);
  });

  test("R40 may have members that this version does not know", () => {
    const manifest = sampleManifest();
    const bytes = changed(manifest, "plain.sha512", "later");
    expect(parseManifest(bytes, "it")).toEqual(manifest);
  });

  test("R40 is refused with a hint when a newer ctlstore wrote it, whatever else it says", () => {
    for (const bytes of [
      changed(sampleManifest(), "formatVersion", 2),
      Buffer.from('{"formatVersion":99}'),
    ]) {
      expect(() => parseManifest(bytes, "it")).toThrow(
        expect.objectContaining({
          code: "snapshot_incompatible",
          details: { hint: "Use a newer ctlstore." },
        }),
      );
    }
  });

  test("is damaged when a member is missing, of another type, or out of bounds", () => {
    const cases: readonly (readonly [string, unknown])[] = [
      ["formatVersion", 0],
      ["formatVersion", "1"],
      ["sequence", undefined],
      ["sequence", 7],
      ["sequence", "-1"],
      ["sequence", "07"],
      ["sequence", "9223372036854775808"],
      ["sequence", "1e3"],
      ["epoch", ""],
      ["epoch", "0123456789ABCDEF0123456789ABCDEF"],
      ["hash", "00"],
      ["hash", null],
      ["plain.bytes", -1],
      ["plain.bytes", 1.5],
      ["plain.bytes", 2 ** 60],
      ["plain.sha256", "x".repeat(64)],
      ["compressed.algorithm", "brotli"],
      ["compressed", null],
      ["dataKey", "../escape"],
      ["dataKey", "snapshots/../../escape"],
      ["dataKey", "/etc/passwd"],
      ["dataKey", "a\0b"],
      ["dataKey", ""],
      ["dataKey", "x".repeat(600)],
      ["tables", {}],
      ["tables", [{ name: "t", rows: "1", digest: "0".repeat(64) }]],
      ["createdAt", "yesterday"],
      ["skips", -1],
    ];
    for (const [path, value] of cases) {
      const parsing = () => parseManifest(changed(sampleManifest(), path, value), "it");
      expect(parsing, `${path} = ${JSON.stringify(value)}`).toThrow(
        expect.objectContaining({ code: "snapshot_damaged" }),
      );
    }
  });

  test("is damaged when its bytes are no JSON object in UTF-8", () => {
    for (const bytes of ["", "{", "null", "[]", '"text"', "5", "{}"].map((text) => Buffer.from(text))) {
      expect(() => parseManifest(bytes, "it")).toThrow(expect.objectContaining({ code: "snapshot_damaged" }));
    }
    const invalid = Buffer.from([0x22, 0xff, 0x22]);
    expect(() => parseManifest(invalid, "it")).toThrow(expect.objectContaining({ code: "snapshot_damaged" }));
  });
});

describe("an index", () => {
  test("is read as it was written, and may have members that this version does not know (R40)", () => {
    const index = sampleIndex();
    expect(parseIndex(serialize(index), "it")).toEqual(index);
    expect(parseIndex(changed(index, "latest.region", "later"), "it")).toEqual(index);
  });

  test("is damaged when it names too many snapshots, or one by a key that leads elsewhere", () => {
    const index = sampleIndex();
    for (const bytes of [
      changed(
        index,
        "previous",
        new Array(1_001).fill(JSON.parse(Buffer.from(serialize(index)).toString()).latest),
      ),
      changed(index, "latest.manifestKey", "../other"),
      changed(index, "publicationId", "mine"),
    ]) {
      expect(() => parseIndex(bytes, "it")).toThrow(expect.objectContaining({ code: "snapshot_damaged" }));
    }
  });

  test("is null when nothing was published", async () => {
    expect(await readIndex(new MemoryStore(), never)).toBeNull();
  });
});

describe("the manifest that an index names", () => {
  test("is refused when it is missing, has other bytes, or is of another state", async () => {
    const store = new MemoryStore();
    const manifest = sampleManifest();
    const bytes = serialize(manifest);
    const entry = entryOf(manifest, { key: "snapshots/x.json", bytes });
    await expect(readManifest(store, entry, never)).rejects.toMatchObject({ code: "snapshot_not_found" });
    store.put(entry.manifestKey, bytes);
    expect(await readManifest(store, entry, never)).toEqual(manifest);
    const moved = { ...entry, sequence: toSequence(8) };
    await expect(readManifest(store, moved, never)).rejects.toMatchObject({ code: "snapshot_damaged" });
    store.put(entry.manifestKey, Buffer.concat([bytes, Buffer.from(" ")]));
    await expect(readManifest(store, entry, never)).rejects.toMatchObject({ code: "snapshot_damaged" });
  });
});

describe("names of objects", () => {
  test("sort by sequence and differ for other bytes", () => {
    const name = (sequence: bigint, digit: string) =>
      manifestKey({ sequence: toSequence(sequence), dataSha256: digit.repeat(64) });
    const names = [name(9n, "a"), name(10n, "a"), name(2n ** 63n - 1n, "a")];
    expect([...names].sort()).toEqual(names);
    expect(name(9n, "a")).not.toBe(name(9n, "b"));
    expect(dataKey({ sequence: toSequence(9), dataSha256: "a".repeat(64) }, "gzip")).toBe(
      "snapshots/00000000000000000009-aaaaaaaaaaaaaaaa.ldb.gz",
    );
  });
});

describe("the fingerprint of a schema", () => {
  const table = (
    name: string,
    fields: readonly (readonly [string, string])[],
    keyFields: readonly string[],
  ) => ({
    name,
    fields: fields.map(([field, type]) => ({ name: field, type })),
    keyFields,
  });
  const base = [
    table(
      "fam___a",
      [
        ["k", "string"],
        ["v", "text"],
      ],
      ["k"],
    ),
    table(
      "fam___b",
      [
        ["x", "integer"],
        ["y", "string"],
      ],
      ["x", "y"],
    ),
  ];

  test("is the same whatever the order of tables and fields", () => {
    const shuffled = [
      table(
        "fam___b",
        [
          ["y", "string"],
          ["x", "integer"],
        ],
        ["x", "y"],
      ),
      table(
        "fam___a",
        [
          ["v", "text"],
          ["k", "string"],
        ],
        ["k"],
      ),
    ];
    expect(schemaFingerprint(shuffled)).toBe(schemaFingerprint(base));
    // Part of the format: hosts compare it with what they compute from the file.
    expect(schemaFingerprint([])).toBe("4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
  });

  test("is another one for another field, type, name, or order of the key", () => {
    const [a, b] = base as [(typeof base)[number], (typeof base)[number]];
    const others = [
      [a],
      [a, { ...b, keyFields: ["y", "x"] }],
      [a, { ...b, name: "fam___c" }],
      [a, { ...b, fields: [...b.fields, { name: "z", type: "text" }] }],
      [
        a,
        {
          ...b,
          fields: [
            { name: "x", type: "string" },
            { name: "y", type: "string" },
          ],
        },
      ],
    ];
    const prints = new Set([base, ...others].map(schemaFingerprint));
    expect(prints.size).toBe(others.length + 1);
  });
});
