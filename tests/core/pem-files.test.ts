/** Files of certificates as a listener or a client may find them, while somebody writes them too (R44). */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { readAuthorities, readPair, stateOfFiles } from "../../core/process/pem-files.ts";
import { makeCa } from "../support/certificates.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** A chain of two certificates, and authorities of two. */
function makeFiles(folder: ReturnType<typeof tempFolder>) {
  const [first, second] = [makeCa(folder, "First"), makeCa(folder, "Second")];
  const { certFile, keyFile } = first.issue({ commonName: "server", hosts: ["localhost"] });
  const [leaf, one, two] = [certFile, first.caFile, second.caFile].map((path) => readFileSync(path, "utf8"));
  return { keyFile, chain: `${leaf}${one}`, authorities: `${one}${two}` };
}

describe("a file of several certificates", () => {
  test("R44 is refused when only a part of it is written, wherever it ends inside of a certificate", () => {
    using folder = tempFolder("pem");
    const { keyFile, chain, authorities } = makeFiles(folder);
    const path = folder.file("half.pem");
    const readers = [
      [chain, () => readPair(path, keyFile)],
      [authorities, () => readAuthorities(path)],
    ] as const;
    for (const [whole, read] of readers) {
      const border = whole.indexOf("-----BEGIN CERTIFICATE-----", 1);
      const end = whole.lastIndexOf("-----END CERTIFICATE-----") + "-----END CERTIFICATE-----".length;
      for (let length = border + 1; length < end; length += 7) {
        writeFileSync(path, whole.slice(0, length));
        expect(() => read()).toThrow(`Cannot use "${path}" for TLS`);
      }
      writeFileSync(path, whole);
      read();
    }
  });

  test("is taken with words between its certificates, as openssl writes them", () => {
    using folder = tempFolder("pem");
    const { keyFile, chain } = makeFiles(folder);
    const path = folder.file("words.pem");
    writeFileSync(path, chain.replaceAll("-----BEGIN", "subject=CN = somebody - else\r\n-----BEGIN"));
    expect(readPair(path, keyFile).chain).toHaveLength(2);
  });
});

test("R44 the state of files changes when the folder that they are in is exchanged, as Kubernetes does it", () => {
  using folder = tempFolder("pem");
  const state = () => stateOfFiles([folder.file("cert.pem")]);
  for (const version of ["..1", "..2"]) {
    mkdirSync(folder.file(version));
    writeFileSync(folder.file(`${version}/cert.pem`), "the same bytes");
  }
  symlinkSync("..data/cert.pem", folder.file("cert.pem"));
  const missing = state();
  symlinkSync("..1", folder.file("..data"));
  const before = state();
  expect(before).not.toBe(missing);
  symlinkSync("..2", folder.file("..data_tmp"));
  renameSync(folder.file("..data_tmp"), folder.file("..data"));
  expect(state()).not.toBe(before);
});
