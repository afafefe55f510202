/**
 * A private MySQL-like server for tests: its own data folder, socket and port, nothing of the machine's own server is
 * touched. `mariadb.ts` and `mysql9.ts` say how theirs is prepared and started; life and death are here.
 */
import { execFileSync } from "node:child_process";
import { createConnection } from "mysql2/promise";
import { freePort } from "./free-port.ts";
import { startProcess, type TestProcess } from "./process.ts";
import { MYSQL_PASSWORD } from "./secrets.ts";
import { type TempFolder, tempFolder } from "./temp-folder.ts";
import { until } from "./until.ts";

export interface MysqlServer extends AsyncDisposable {
  readonly port: number;
  /** Path of its Unix socket. */
  readonly socket: string;
  readonly pid: number;
  /** `mysql://app:…@127.0.0.1:PORT/database`; the user may do everything. */
  url(database: string): string;
  /** Makes an empty database with a name of its own and returns its URL. */
  createDatabase(): Promise<string>;
  /** Runs one statement as the administrator, outside of any database. */
  admin(sql: string): Promise<unknown>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts again on the same data, socket and port; stops it first when it runs. */
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT: a server that is there and does not answer. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** What differs between the products. */
export interface MysqlProduct {
  readonly name: string;
  /** Makes the data folder. */
  prepare(folder: TempFolder): Promise<void>;
  /** The server's command line. It must create user `app` (password `MYSQL_PASSWORD`) when its data is new. */
  command(folder: TempFolder, address: { readonly socket: string; readonly port: number }): readonly string[];
}

const START_DEADLINE_MS = 60_000;
/** The port may be taken between the moment it was found free and the server's start. */
const PORT_ATTEMPTS = 5;

/** SQL for a new server's init file; one statement per line. */
export const INIT_SQL = [
  `CREATE USER IF NOT EXISTS 'app'@'127.0.0.1' IDENTIFIED BY '${MYSQL_PASSWORD}';`,
  "GRANT ALL ON *.* TO 'app'@'127.0.0.1' WITH GRANT OPTION;",
  "",
].join("\n");

/** Asked of the system: Bun's `userInfo()` believes the environment, which in a container often names nobody. */
export function userName(): string {
  return execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
}

export async function startMysqlServer(product: MysqlProduct): Promise<MysqlServer> {
  const folder = tempFolder(product.name);
  try {
    await product.prepare(folder);
    return await startOnFreePort(product, folder);
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}

async function startOnFreePort(product: MysqlProduct, folder: TempFolder): Promise<MysqlServer> {
  const socket = folder.file("s.sock");
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const launch = () => launchServer(product.command(folder, { socket, port }), port);
    try {
      return serverOf(folder, { socket, port }, launch, await launch());
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function launchServer(command: readonly string[], port: number): Promise<TestProcess> {
  const server = startProcess(command);
  const probe = async () => {
    if (!server.running) return "ended";
    await query(port, "SELECT 1");
    return "ready";
  };
  const state = await until(probe, { what: `${command[0]} on port ${port}`, deadlineMs: START_DEADLINE_MS });
  if (state === "ended")
    throw new Error(`the database server ended at once:\n${server.stdout}${server.stderr}`);
  return server;
}

async function query(port: number, sql: string): Promise<unknown> {
  const connection = await createConnection({
    host: "127.0.0.1",
    port,
    user: "app",
    password: MYSQL_PASSWORD,
    connectTimeout: 5_000,
  });
  try {
    const [rows] = await connection.query(sql);
    return rows;
  } finally {
    connection.destroy();
  }
}

function serverOf(
  folder: TempFolder,
  address: { readonly socket: string; readonly port: number },
  launch: () => Promise<TestProcess>,
  first: TestProcess,
): MysqlServer {
  const { socket, port } = address;
  let server = first;
  let databases = 0;
  const url = (database: string) => `mysql://app:${MYSQL_PASSWORD}@127.0.0.1:${port}/${database}`;
  const end = async () => {
    server.signal("SIGCONT"); // a frozen one would not see the next signal
    server.signal("SIGTERM");
    await server.exited;
  };
  const stop = async () => {
    await server.kill();
    folder[Symbol.dispose]();
  };
  return {
    port,
    socket,
    get pid() {
      return server.pid;
    },
    url,
    async createDatabase() {
      databases += 1;
      const name = `test_${process.pid}_${databases}`;
      await query(port, `CREATE DATABASE ${name}`);
      return url(name);
    },
    admin: (sql) => query(port, sql),
    async kill() {
      await server.kill();
    },
    async restart() {
      if (server.running) await end();
      server = await launch();
    },
    freeze: () => server.signal("SIGSTOP"),
    thaw: () => server.signal("SIGCONT"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
