/**
 * Secrets of the tests. Each has the marker in it, so that one search tells whether any of them is in a log line, a
 * metric, an error or a process's output (R45): `leaks.ts` looks while tests run, scripts/test.mjs at all that is written.
 *
 * A test that chooses a secret, token or password makes it here, or writes the marker into it.
 */
import { SECRET_MARKER } from "../../scripts/test/secret-scan.mjs";

export { SECRET_MARKER };

/** @param name letters that need no escaping in a URL, a header or SQL */
export function testSecret(name: string): string {
  return `${SECRET_MARKER}${name}`;
}

/** Of the user `app` on every private database server. */
export const MYSQL_PASSWORD = testSecret("mysql");

/** The admin token of every Executive that a test starts. */
export const TEST_ADMIN_TOKEN = testSecret("admin-token");
