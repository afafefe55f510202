/** The certificates of the tests are what they are called: a test of TLS that gets others proves nothing. */
import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { makeCa } from "./certificates.ts";
import { tempFolder } from "./temp-folder.ts";

const read = (file: string) => new X509Certificate(readFileSync(file));

test("an authority of the tests issues for hosts, clients and the past when asked to", () => {
  using folder = tempFolder("ca");
  const ca = makeCa(folder);
  const other = makeCa(folder, "Other CA");
  const server = read(ca.issue({ commonName: "db", hosts: ["db.example", "127.0.0.1"] }).certFile);
  expect(server.checkIssued(read(ca.caFile))).toBe(true);
  expect(server.verify(read(ca.caFile).publicKey)).toBe(true);
  expect(server.verify(read(other.caFile).publicKey)).toBe(false);
  expect(server.checkHost("db.example")).toBe("db.example");
  expect(server.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(server.checkHost("else.example")).toBeUndefined();

  const notAfter = new Date("2020-02-03T04:05:06Z");
  const expired = ca.issue({ commonName: "old", notAfter });
  expect(new Date(read(expired.certFile).validTo)).toEqual(notAfter);

  const first = ca.issue({ commonName: "app", client: true, as: "client" });
  const before = read(first.certFile);
  expect(before.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect(ca.issue({ commonName: "app", client: true, as: "client" })).toEqual(first);
  expect(read(first.certFile).serialNumber).not.toBe(before.serialNumber);
});
