/** Which server this is, and how a session with it is set up, so that nothing depends on the server's own defaults. */
import { CtlstoreError } from "../../core/errors.ts";
import type { CtlDbTimeouts } from "../../core/limits.ts";
import { textLiteral } from "../../core/sql/literals.ts";

export interface ServerFacts {
  /** Such as "MariaDB 10.11.19" or "MySQL 9.7.4". */
  readonly product: string;
  /** Compares by bytes and does not pad, so that keys are the same as in SQLite (D3). */
  readonly collation: string;
  /** Longest packet that the server takes: more than that ends the connection. */
  readonly maxPacketBytes: number;
}

export const SELECT_SERVER_FACTS = "SELECT VERSION(), @@max_allowed_packet";

/** @throws CtlstoreError `ctldb_incompatible` */
export function toServerFacts(version: string, maxPacketBytes: number): ServerFacts {
  const [, major = "0", minor = "0", patch = "0"] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const number = Number(major) * 1_000_000 + Number(minor) * 1_000 + Number(patch);
  if (/mariadb/i.test(version)) {
    if (number >= 10_002_000) {
      return {
        product: `MariaDB ${major}.${minor}.${patch}`,
        collation: "utf8mb4_nopad_bin",
        maxPacketBytes,
      };
    }
  } else if (number >= 8_000_017 || /^8\.0\.mysql_aurora/.test(version)) {
    return { product: `MySQL ${version.split("-")[0]}`, collation: "utf8mb4_0900_bin", maxPacketBytes };
  }
  throw new CtlstoreError(
    "ctldb_incompatible",
    `Cannot use database server ${textLiteral(version)} as a ctldb: it has no binary collation without padding`,
    { hint: "MariaDB 10.2 or newer, MySQL 8.0.17 or newer, Aurora MySQL 3" },
  );
}

/** Statements that every session begins with. */
export function sessionSetup(server: ServerFacts, timeouts: CtlDbTimeouts): string {
  return [
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
    `SET NAMES utf8mb4 COLLATE ${server.collation}`,
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    `SET SESSION innodb_lock_wait_timeout = ${timeouts.lockWaitSeconds}`,
    `SET SESSION lock_wait_timeout = ${timeouts.lockWaitSeconds}`,
    // Without it the server would keep the ledger lock of a host that lost its power for hours.
    `SET SESSION wait_timeout = ${timeouts.sessionIdleSeconds}`,
    "SET SESSION autocommit = 1",
  ].join(";");
}
