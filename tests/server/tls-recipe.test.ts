/** The commands of docs/security.md that make certificates, run as they stand there: what they make works. */
import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCertificates } from "../../core/process/listen/certificates.ts";
import { runProcess } from "../support/process.ts";
import { ROOT } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** The lines of openssl, and those that go on from one. */
function recipe(): string {
  const lines = readFileSync(join(ROOT, "docs", "security.md"), "utf8").split("\n");
  return lines
    .filter((line, at) => line.startsWith("    openssl ") || lines[at - 1]?.endsWith("\\") === true)
    .join("\n");
}

test("the recipe for certificates makes a CA and a certificate of it that an Executive takes (R44)", async () => {
  using folder = tempFolder("recipe");
  const made = await runProcess(["sh", "-e", "-c", recipe()], { cwd: folder.path });
  expect(made).toMatchObject({ code: 0 });
  const files = { certFile: folder.file("executive.crt"), keyFile: folder.file("executive.key") };
  const ca = new X509Certificate(readFileSync(folder.file("ca.crt")));
  const own = new X509Certificate(readFileSync(files.certFile));
  expect(own.verify(ca.publicKey)).toBe(true);
  expect(own.checkHost("executive.internal")).toBe("executive.internal");
  const { expiresAt } = readCertificates({ ...files, clientCaFile: folder.file("ca.crt") });
  expect(expiresAt.getTime()).toBe(Date.parse(own.validTo));
});
