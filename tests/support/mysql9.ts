/**
 * Private Oracle MySQL 9.7 servers for the deep suite, from packages unpacked under `.cache/mysql9`.
 *
 * The server runs through the loader and the libraries that were unpacked with it, whatever the machine's own are.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INIT_SQL, type MysqlServer, startMysqlServer, userName } from "./mysql-server.ts";
import { runProcess } from "./process.ts";
import type { TempFolder } from "./temp-folder.ts";

const ROOT = join(import.meta.dir, "..", "..", ".cache", "mysql9");
const LIBRARIES = join(ROOT, "usr", "lib", "x86_64-linux-gnu");

/** True where `node scripts/setup.mjs deep` has been run. */
export const hasMysql9 = existsSync(join(ROOT, "complete"));

function serverCommand(folder: TempFolder): readonly string[] {
  return [
    join(LIBRARIES, "ld-linux-x86-64.so.2"),
    "--library-path",
    `${LIBRARIES}:${join(LIBRARIES, "mysql", "private")}`,
    join(ROOT, "usr", "sbin", "mysqld"),
    "--no-defaults",
    `--user=${userName()}`,
    `--basedir=${join(ROOT, "usr")}`,
    `--datadir=${folder.file("data")}`,
    `--lc-messages-dir=${join(ROOT, "usr", "share", "mysql")}`,
    `--character-sets-dir=${join(ROOT, "usr", "share", "mysql", "charsets")}`,
    `--plugin-dir=${join(ROOT, "usr", "lib", "mysql", "plugin")}`,
    `--tmpdir=${folder.file("tmp")}`,
    "--secure-file-priv=",
    "--innodb-redo-log-capacity=64M",
  ];
}

async function prepare(folder: TempFolder): Promise<void> {
  if (!hasMysql9) throw new Error("MySQL is not unpacked: run `node scripts/setup.mjs deep`");
  mkdirSync(folder.file("tmp"));
  mkdirSync(folder.file("data"), { mode: 0o700 });
  writeFileSync(folder.file("init.sql"), INIT_SQL);
  const made = await runProcess([...serverCommand(folder), "--initialize-insecure"]);
  if (made.code !== 0) throw new Error(`mysqld --initialize-insecure failed:\n${made.stdout}${made.stderr}`);
}

function command(
  folder: TempFolder,
  { socket, port }: { readonly socket: string; readonly port: number },
): readonly string[] {
  // A server killed a moment ago still counts as the owner of its socket's lock file.
  rmSync(`${socket}.lock`, { force: true });
  return [
    ...serverCommand(folder),
    `--socket=${socket}`,
    `--pid-file=${folder.file("pid")}`,
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    `--init-file=${folder.file("init.sql")}`,
    "--mysqlx=OFF",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_0900_bin",
    "--transaction-isolation=REPEATABLE-READ",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=64M",
    "--disable-log-bin",
    "--max-allowed-packet=64M",
    "--max-connections=300",
    "--default-time-zone=+00:00",
    "--performance-schema=OFF",
    "--local-infile=0",
    "--information-schema-stats-expiry=0",
  ];
}

/**
 * Starts a MySQL 9.7 of its own for the caller; about three seconds.
 * @param flags of the server, after ours
 */
export function startMysql9(flags: readonly string[] = []): Promise<MysqlServer> {
  return startMysqlServer({
    name: "mysql9",
    prepare,
    command: (folder, address) => [...command(folder, address), ...flags],
  });
}

let shared: Promise<MysqlServer> | null = null;

/** The run's common MySQL 9.7, started by the first who asks; never kill, freeze or stop this one. */
export function sharedMysql9(): Promise<MysqlServer> {
  shared ??= startMysql9();
  return shared;
}
