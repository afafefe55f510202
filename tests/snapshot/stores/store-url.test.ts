/** A store's URL: what it says, and what is refused without repeating a secret. */
import { describe, expect, test } from "bun:test";
import { snapshotStoreUrl } from "../../../cli/parsers.ts";
import { isCtlstoreError } from "../../../core/errors.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import { parseStoreUrl } from "../../../snapshot/stores/store-url.ts";

const BAD_URLS = [
  "",
  "/var/lib/snapshots",
  "file:snapshots",
  "file://host/snapshots",
  "file:///snapshots?x=1",
  "file:///a%2Fb",
  "http://bucket/prefix",
  "s3:bucket",
  "s3://",
  "s3://b",
  "s3://bucket:9000/prefix",
  "s3://bucket/pre fix",
  "s3://bucket/a/%2e%2e/b",
  "s3://bucket/a//b",
  "s3://bucket#part",
  "s3://bucket?endpoint=127.0.0.1:9000",
  "s3://bucket?endpoint=ftp://127.0.0.1",
  "s3://bucket?region=us+east",
  "s3://bucket?region=a&region=b",
  "s3://bucket?path-style=yes",
  "s3://bucket?checksums=none",
  "s3://bucket?tls-ca=",
  "s3://bucket?endpoint=http://127.0.0.1:9000&tls-ca=/etc/ca.pem",
];

const WITH_SECRETS = [
  "s3://AKIDTHIS:hush-hush@bucket/prefix",
  "s3://bucket?secret-access-key=hush-hush",
  "s3://bucket?endpoint=http://AKIDTHIS:hush-hush@127.0.0.1:9000",
  "s3://bucket?endpoint=http://127.0.0.1:9000/?token=hush-hush",
];

function failureOf(url: string): Error {
  try {
    parseStoreUrl(url);
  } catch (error) {
    if (isCtlstoreError(error)) return error;
    throw error;
  }
  throw new Error(`${url} was accepted`);
}

describe("the URL of a snapshot store", () => {
  test("names a folder, with or without a slash at its end", () => {
    const folder = (url: string) => parseStoreUrl(url);
    expect(folder("file:///var/snap%20shots/")).toMatchObject({ kind: "file", folder: "/var/snap shots" });
    expect(folder("file:///")).toMatchObject({ kind: "file", folder: "/" });
  });

  test("names a bucket, a prefix and a server", () => {
    expect(parseStoreUrl("s3://my-bucket/a/b/?region=eu-west-1")).toMatchObject({
      kind: "s3",
      bucket: "my-bucket",
      prefix: "a/b",
      region: "eu-west-1",
      endpoint: null,
      pathStyle: false,
      checksums: "supported",
    });
    const own = "s3://b.2?endpoint=http://127.0.0.1:9000/&path-style=true&checksums=required";
    expect(parseStoreUrl(own)).toMatchObject({
      bucket: "b.2",
      prefix: "",
      endpoint: "http://127.0.0.1:9000",
      region: "us-east-1",
      pathStyle: true,
      checksums: "required",
    });
    expect(parseStoreUrl("s3://bucket")).toMatchObject({ region: null, caFile: null });
    const trusted = "s3://bucket?endpoint=https://s3.internal&tls-ca=/etc/ca.pem";
    expect(parseStoreUrl(trusted)).toMatchObject({ caFile: "/etc/ca.pem" });
  });

  test.each(BAD_URLS)("is refused when it is %p", (url) => {
    expect(failureOf(url)).toMatchObject({ code: "config_invalid" });
    expect(() => snapshotStoreUrl(url)).toThrow();
  });

  test.each(WITH_SECRETS)("is refused, and not repeated, when it holds a secret: %#", (url) => {
    const error = failureOf(url);
    expect(error).toMatchObject({ code: "config_invalid" });
    expect(Bun.inspect(error)).not.toMatch(/hush|AKID/);
  });

  test("opens a store that is down without asking it", async () => {
    for (const url of ["file:///no/such/folder", "s3://bucket?endpoint=http://127.0.0.1:1"]) {
      await using store = await openSnapshotStore(snapshotStoreUrl(url));
      expect(store.url).toBe(url);
    }
  });
});
