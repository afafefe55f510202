/** A secret made once and kept in a file that only its owner can read. */
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const SECRET_BYTES = 24;

/**
 * The secret in the file, made now when there is no such file. The file appears whole or not at all, so an interrupted
 * start leaves no empty one, and of two starts at once both get the same secret.
 */
export function keptSecret(path: string): string {
  const existing = readSecret(path);
  if (existing !== null) return existing;
  const draft = `${path}.${process.pid}.new`;
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64url");
  writeFileSync(draft, `${secret}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readSecret(path) ?? secret;
}

function readSecret(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
