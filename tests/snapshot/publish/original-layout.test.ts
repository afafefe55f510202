/** Publishing to S3, with the object that the original's Reflectors bootstrap from, read back as they read it. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { realpathSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { followReflector } from "../../../cli/followed-reflector.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { readIndex, readManifest } from "../../../snapshot/documents.ts";
import { checkLegacyKey, legacyStoreUrl } from "../../../snapshot/publish/legacy.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import { superviseOnce } from "../../../snapshot/supervisor/start.ts";
import { verifySnapshot } from "../../../snapshot/verify-snapshot.ts";
import { reflect } from "../../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../../reflector/memory-ledger.ts";
import { hasS3Server, S3_REGION, sharedS3Server } from "../../support/s3-server.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const never = new AbortController().signal;

/** GetObject by the SDK itself: our own store does not show the user metadata. */
async function getObject(url: string, key: string) {
  const { S3Client, GetObjectCommand } = await import("@aws-sdk/client-s3");
  const { accessKeyId, secretAccessKey, endpoint } = await sharedS3Server();
  const client = new S3Client({
    endpoint,
    region: S3_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  const answer = await client.send(new GetObjectCommand({ Bucket: new URL(url).hostname, Key: key }));
  const bytes = await answer.Body?.transformToByteArray();
  client.destroy();
  return { bytes: bytes ?? new Uint8Array(), metadata: answer.Metadata ?? {} };
}

describe.skipIf(!hasS3Server)("on S3", () => {
  test("D18 a snapshot and the original's key are what both sides' Reflectors need, also the second time", async () => {
    using folder = tempFolder();
    const { accessKeyId, secretAccessKey, bucketUrl } = await sharedS3Server();
    const url = await bucketUrl();
    const credentials = { accessKeyId, secretAccessKey };
    await using store = await openSnapshotStore(url, { credentials });
    await using legacyStore = await openSnapshotStore(legacyStoreUrl(url), { credentials });
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T);
    await using reflector = await reflect(ledger, folder.path);
    for (const round of [1, 2]) {
      ledger.append(put(round, `round ${round}`));
      await reflector.applies(ledger.head);
      const outcome = await superviseOnce(
        {
          followed: followReflector(reflector),
          store,
          legacy: { store: legacyStore, key: "ctlstore/snapshot.db.gz" },
          logger: silentLogger,
          clock: systemClock,
          metrics: createMetrics(),
        },
        { ldbFolder: folder.path, recheckMs: 5 },
        never,
      );
      expect(outcome.kind).toBe("published");
      const index = (await readIndex(store, never))?.index;
      if (index === undefined) throw new Error("nothing was published");
      expect(index.latest.sequence).toBe(ledger.head);
      expect(index.previous).toHaveLength(round - 1);
      for (const entry of [index.latest, ...index.previous]) {
        await verifySnapshot(store, await readManifest(store, entry, never), { signal: never });
      }
      // As the original does it: fetch, gunzip, compare the checksum, open in WAL mode, take the sequence.
      const { bytes, metadata } = await getObject(url, "ctlstore/snapshot.db.gz");
      const plain = gunzipSync(bytes);
      expect(metadata["checksum"]).toBe(createHash("sha1").update(plain).digest("base64"));
      const path = folder.file(`original-${round}.db`);
      writeFileSync(path, plain);
      using database = new Database(realpathSync(path));
      database.run("PRAGMA journal_mode = WAL");
      expect(database.query("SELECT seq FROM _ldb_seq WHERE id = 1").get()).toEqual({ seq: round + 1 });
      expect(database.query("SELECT count(*) AS n FROM fam___tbl").get()).toEqual({ n: round });
      database.run("UPDATE _ldb_seq SET seq = seq + 1 WHERE id = 1");
      database.run(
        "REPLACE INTO _ldb_last_update (name, timestamp) VALUES ('ledger', '2026-01-01 00:00:00')",
      );
    }
  }, 60_000);
});

describe("the original's key", () => {
  test("counts from the root of the bucket, and from the folder of a store of files", () => {
    expect(legacyStoreUrl("s3://bucket/a/b?region=us-east-1")).toBe("s3://bucket?region=us-east-1");
    expect(legacyStoreUrl("s3://bucket")).toBe("s3://bucket");
    expect(legacyStoreUrl("file:///some/folder")).toBe("file:///some/folder");
  });

  test("is refused where our own objects are, and only there", () => {
    const refused = (url: string, key: string) =>
      expect(() => checkLegacyKey(url, key)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    refused("file:///folder", "latest.json");
    refused("file:///folder", "snapshots");
    refused("file:///folder", "latest.json/ldb.db.gz");
    refused("s3://bucket", "snapshots/x.gz");
    refused("s3://bucket/a/b", "a/b/latest.json");
    checkLegacyKey("s3://bucket/a/b", "latest.json");
    checkLegacyKey("s3://bucket/a/b", "a/b/ldb.db.gz");
    checkLegacyKey("file:///folder", "ldb.db.gz");
    checkLegacyKey("file:///folder", "latest.json.gz");
  });
});
