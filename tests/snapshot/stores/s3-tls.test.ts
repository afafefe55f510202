/** TLS to S3: an authority of one's own by the store's URL, and what is told of certificates that are no good (R44). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { isCtlstoreError } from "../../../core/errors.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import { type CertificateFiles, makeCa } from "../../support/certificates.ts";
import { hasS3Server, sharedS3Server } from "../../support/s3-server.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { startTlsProxy } from "../../support/tls-proxy.ts";

setDefaultTimeout(60_000);

const never = new AbortController().signal;

/** What reading from the store comes to: "" when it answers, else the error with its hint. */
async function reading(url: string): Promise<string> {
  const { accessKeyId, secretAccessKey } = await sharedS3Server();
  const credentials = { accessKeyId, secretAccessKey };
  try {
    const store = await openSnapshotStore(url, { credentials, limits: { attempts: 1 } });
    expect(await store.readDocument("latest.json", never)).toBeNull();
    return "";
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    return `${error.code}: ${error.message}; ${error.details.hint}`;
  }
}

describe.if(hasS3Server)("a store in S3 by TLS", () => {
  test("R44 answers when the URL names the authority of its certificate, and says why not when it is no good", async () => {
    using folder = tempFolder("s3-tls");
    const ca = makeCa(folder);
    const bucket = new URL(await (await sharedS3Server()).bucketUrl());
    const through = async (files: CertificateFiles, caFile: string | null) => {
      await using proxy = await startTlsProxy({ port: (await sharedS3Server()).httpPort }, files);
      bucket.searchParams.set("endpoint", `https://127.0.0.1:${proxy.port}`);
      bucket.searchParams.delete("tls-ca");
      if (caFile !== null) bucket.searchParams.set("tls-ca", caFile);
      return await reading(bucket.href);
    };
    const good = ca.issue({ commonName: "s3", hosts: ["127.0.0.1"] });
    expect(await through(good, ca.caFile)).toBe("");
    for (const caFile of [null, makeCa(folder, "Other CA").caFile])
      expect(await through(good, caFile)).toMatch(/^snapshot_store_unavailable: .*not trusted.*tls-ca=/);
    const expired = ca.issue({
      commonName: "s3",
      hosts: ["127.0.0.1"],
      notAfter: new Date(Date.now() - 60_000),
    });
    expect(await through(expired, ca.caFile)).toMatch(/^snapshot_store_unavailable: .*has expired/);
    const elsewhere = ca.issue({ commonName: "s3", hosts: ["s3.example"] });
    expect(await through(elsewhere, ca.caFile)).toMatch(/^snapshot_store_unavailable: .*for other hosts/);
  });

  test("is refused as configuration when the file of authorities is none", async () => {
    using folder = tempFolder("s3-tls");
    const url = `s3://bucket/prefix?endpoint=https://127.0.0.1&tls-ca=${folder.file("none.pem")}`;
    expect(await reading(url)).toMatch(/^config_invalid: .*none\.pem/);
  });
});
