/** A MySQL-like server with TLS, for tests: an authority, certificates that can be replaced, and users that need one. */
import { type CertificateAuthority, type CertificateFiles, makeCa } from "../support/certificates.ts";
import type { MysqlServer } from "../support/mysql-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

export interface TlsServer extends AsyncDisposable {
  readonly server: MysqlServer;
  readonly folder: TempFolder;
  readonly ca: CertificateAuthority;
  /** The server's certificate; issued anew under the same name it replaces the files that the server reads. */
  readonly files: CertificateFiles;
  /** Issues the server's certificate anew, over its files. */
  renew(days: number): void;
  /** Makes an empty database; its URL with these parameters. */
  database(parameters: Readonly<Record<string, string>>): Promise<string>;
}

export const SERVER_NAME = "db.example";
const SERVER = { commonName: "db", hosts: [SERVER_NAME, "127.0.0.1"], as: "server" };

/** Flags of MariaDB and MySQL alike. */
function tlsFlags(caFile: string, { certFile, keyFile }: CertificateFiles): string[] {
  return [`--ssl-ca=${caFile}`, `--ssl-cert=${certFile}`, `--ssl-key=${keyFile}`];
}

/**
 * @param start of the product
 * @param request of the server's certificate, where it is to be another than usual
 */
export async function startTlsServer(
  start: (flags: readonly string[]) => Promise<MysqlServer>,
  request: Partial<Parameters<CertificateAuthority["issue"]>[0]> = {},
): Promise<TlsServer> {
  const folder = tempFolder("tls");
  const ca = makeCa(folder);
  const files = ca.issue({ ...SERVER, ...request });
  const server = await start(tlsFlags(ca.caFile, files));
  return {
    server,
    folder,
    ca,
    files,
    renew: (days) => void ca.issue({ ...SERVER, days }),
    database: async (parameters) => withParameters(await server.createDatabase(), parameters),
    async [Symbol.asyncDispose]() {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
}

export function withParameters(url: string, parameters: Readonly<Record<string, string>>): string {
  const whole = new URL(url);
  for (const [name, value] of Object.entries(parameters)) whole.searchParams.set(name, value);
  return whole.href;
}

/** The URL for another user of the server. */
export function asUser(url: string, user: string, password: string): string {
  const whole = new URL(url);
  whole.username = user;
  whole.password = password;
  return whole.href;
}
