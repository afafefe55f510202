/**
 * Private MariaDB servers, set so that they behave like Amazon Aurora's MySQL where the two differ.
 *
 * `sharedMariadb()` is what most tests want: one server per test run, a database per test. `startMariadb()` is for
 * tests that kill, freeze or restart it.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INIT_SQL, type MysqlServer, startMysqlServer, userName } from "./mysql-server.ts";
import { runProcess } from "./process.ts";
import type { TempFolder } from "./temp-folder.ts";

const SQL_MODE = [
  "STRICT_TRANS_TABLES",
  "NO_ZERO_IN_DATE",
  "NO_ZERO_DATE",
  "ERROR_FOR_DIVISION_BY_ZERO",
  "NO_ENGINE_SUBSTITUTION",
  "ONLY_FULL_GROUP_BY",
  "TIME_ROUND_FRACTIONAL", // MariaDB cuts fractions of seconds where MySQL rounds
].join(",");

/** Looks beyond PATH: an ordinary user's often lacks the folders of servers. */
function programPath(name: string): string {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin", "/usr/bin"];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed: run \`node scripts/setup.mjs test\``);
  return found;
}

async function prepare(folder: TempFolder): Promise<void> {
  mkdirSync(folder.file("tmp"));
  mkdirSync(folder.file("data"), { mode: 0o700 });
  writeFileSync(folder.file("init.sql"), INIT_SQL);
  const command = [
    programPath("mariadb-install-db"),
    "--no-defaults",
    `--user=${userName()}`,
    `--datadir=${folder.file("data")}`,
    // root with an empty password, over the socket alone
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
  ];
  // A server that starts clears its folder of temporary tables, those of others included.
  const made = await runProcess(command, { env: { TMPDIR: folder.file("tmp") } });
  if (made.code !== 0) throw new Error(`mariadb-install-db failed:\n${made.stdout}${made.stderr}`);
}

function command(
  folder: TempFolder,
  { socket, port }: { readonly socket: string; readonly port: number },
): readonly string[] {
  return [
    programPath("mariadbd"),
    "--no-defaults",
    `--user=${userName()}`,
    `--datadir=${folder.file("data")}`,
    `--tmpdir=${folder.file("tmp")}`,
    `--pid-file=${folder.file("pid")}`,
    `--socket=${socket}`,
    `--port=${port}`,
    `--init-file=${folder.file("init.sql")}`,
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_nopad_bin",
    `--sql-mode=${SQL_MODE}`,
    "--default-storage-engine=InnoDB",
    "--transaction-isolation=REPEATABLE-READ",
    "--innodb-snapshot-isolation=OFF",
    "--innodb-autoinc-lock-mode=2",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=48M",
    "--max-allowed-packet=64M",
    "--max-connections=300",
    "--explicit-defaults-for-timestamp=1",
    "--default-time-zone=+00:00",
    "--performance-schema=OFF",
    "--local-infile=0",
  ];
}

/**
 * Starts a MariaDB of its own for the caller; about a second.
 * @param flags of the server, after ours
 * @param machineZone its machine's time zone, as `Europe/Berlin`
 */
export function startMariadb(flags: readonly string[] = [], machineZone?: string): Promise<MysqlServer> {
  const zone = machineZone === undefined ? [] : ["env", `TZ=${machineZone}`];
  return startMysqlServer({
    name: "mariadb",
    prepare,
    command: (folder, address) => [...zone, ...command(folder, address), ...flags],
  });
}

let shared: Promise<MysqlServer> | null = null;

/** The run's common MariaDB, started by the first who asks; never kill, freeze or stop this one. */
export function sharedMariadb(): Promise<MysqlServer> {
  shared ??= startMariadb();
  return shared;
}
