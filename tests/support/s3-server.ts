/**
 * A private S3 server for tests: Ceph's gateway (`ceph.ts`), on http and https, with data of its own.
 *
 * `sharedS3Server()` is what most tests want: one server per test run, a bucket per test. `startS3Server()` is for
 * tests that kill or restart it. Where `hasS3Server` is false, tests that need it are left out.
 */

import {
  addUserCommand,
  CEPH_ENV,
  type CephPorts,
  cephProgram,
  daemonCommands,
  hasCeph,
  makeCertificateCommands,
  makeDataCommands,
  makeObjectStoreCommand,
  writeSettings,
} from "./ceph.ts";
import { freePort } from "./free-port.ts";
import { runProcess, startProcess, type TestProcess } from "./process.ts";
import { testSecret } from "./secrets.ts";
import { type TempFolder, tempFolder } from "./temp-folder.ts";
import { until } from "./until.ts";

/** False on a machine for which there is no such server; `node scripts/setup.mjs test` says so. */
export const hasS3Server = hasCeph;

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Server extends S3Credentials, AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** `https://127.0.0.1:PORT`; its certificate is by the authority in `caPath`. */
  readonly httpsEndpoint: string;
  /** PEM file for NODE_EXTRA_CA_CERTS, which a process reads at its start. */
  readonly caPath: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** For a child process: credentials and region, and nothing of the machine's own AWS configuration. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes an empty bucket with a name of its own and returns a store's URL in it. */
  bucketUrl(options?: { readonly scheme?: "http" | "https" }): Promise<string>;
  /** Makes a user who owns nothing; about a third of a second. */
  addUser(): Promise<S3Credentials>;
  /** SIGKILL to everything. What was acknowledged survives. */
  kill(): Promise<void>;
  /** Starts again on the same data and ports; kills it first when it runs. */
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT to the gateway: a server that is there and does not answer. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export const S3_REGION = "us-east-1";
const OWNER: S3Credentials = { accessKeyId: "TESTSKEY", secretAccessKey: testSecret("with+slash/key") };
const START_DEADLINE_MS = 60_000;
/** A port may be taken between the moment it was found free and the server's start. */
const PORT_ATTEMPTS = 5;

/** Starts an S3 server of its own for the caller; three to five seconds, 250 MB of memory. */
export async function startS3Server(): Promise<S3Server> {
  for (let attempt = 1; ; attempt++) {
    const folder = tempFolder("s3");
    const ports = { monitor: await freePort(), http: await freePort(), https: await freePort() };
    try {
      return serverOf(folder, ports, await startFresh(folder, ports));
    } catch (error) {
      folder[Symbol.dispose]();
      if (attempt === PORT_ATTEMPTS || !/address already in use|bind.*\b98\b/i.test(String(error)))
        throw error;
    }
  }
}

let shared: Promise<S3Server> | null = null;

/** Names the server of another test process, which this one is to use (`forChildTests`). */
const ATTACH_VARIABLE = "CTLSTORE_TEST_S3";

/** The run's common S3 server, started by the first who asks; never kill, freeze or stop this one. */
export function sharedS3Server(): Promise<S3Server> {
  const other = process.env[ATTACH_VARIABLE];
  shared ??= other === undefined ? startS3Server() : Promise.resolve(attachTo(other));
  return shared;
}

/** Environment of a test process that is to share this server; one that trusts its certificate. */
export function forChildTests(server: S3Server): Record<string, string> {
  const { httpPort, httpsPort, caPath } = server;
  return {
    [ATTACH_VARIABLE]: JSON.stringify({ httpPort, httpsPort, caPath }),
    NODE_EXTRA_CA_CERTS: caPath,
  };
}

/** Its processes, the gateway last. */
type Daemons = readonly TestProcess[];

async function startFresh(folder: TempFolder, ports: CephPorts): Promise<Daemons> {
  writeSettings(folder, ports);
  const certificates = makeCertificateCommands(folder);
  for (const command of [...certificates, ...makeDataCommands(folder, ports)]) await runToEnd(command);
  const { monitor, objectStore, gateway } = daemonCommands(folder);
  const daemons = [start(monitor)];
  try {
    await endedWell(makeObjectStoreCommand(folder), daemons);
    daemons.push(start(objectStore));
    await endedWell(addUserCommand(folder, OWNER), daemons);
    daemons.push(start(gateway));
    await answers(ports, daemons);
    return daemons;
  } catch (error) {
    await killAll(daemons);
    throw error;
  }
}

async function startAgain(folder: TempFolder, ports: CephPorts): Promise<Daemons> {
  const { monitor, objectStore, gateway } = daemonCommands(folder);
  const daemons = [monitor, objectStore, gateway].map(start);
  await answers(ports, daemons);
  return daemons;
}

function start(command: readonly string[]): TestProcess {
  return startProcess(command, { env: CEPH_ENV });
}

async function killAll(daemons: Daemons): Promise<void> {
  await Promise.all(daemons.map((daemon) => daemon.kill()));
}

async function runToEnd(command: readonly string[]): Promise<void> {
  // radosgw-admin answers with the keys that it was given.
  const ended = await runProcess(command, { env: CEPH_ENV, mayTellSecrets: true });
  if (ended.code !== 0) throw new Error(`${command.join(" ")} failed:\n${ended.stdout}${ended.stderr}`);
}

/** Runs a program that waits for the daemons: one of them that ends would keep it waiting for ever. */
async function endedWell(command: readonly string[], daemons: Daemons): Promise<void> {
  await Promise.race([runToEnd(command), ...daemons.map(ended)]);
}

async function ended(daemon: TestProcess): Promise<never> {
  const exit = await daemon.exited;
  throw new Error(`a part of Ceph ended (${JSON.stringify(exit)}):\n${daemon.stdout}${daemon.stderr}`);
}

/** Waits until the gateway answers on both ports. */
async function answers(ports: CephPorts, daemons: Daemons): Promise<void> {
  const probe = async () => {
    const signal = AbortSignal.timeout(2_000);
    await fetch(`http://127.0.0.1:${ports.http}/`, { signal });
    await fetch(`https://127.0.0.1:${ports.https}/`, { signal, tls: { rejectUnauthorized: false } });
    return true;
  };
  const ready = until(probe, { what: "Ceph's gateway to answer", deadlineMs: START_DEADLINE_MS });
  await Promise.race([ready, ...daemons.map(ended)]);
}

function serverOf(folder: TempFolder, ports: CephPorts, first: Daemons): S3Server {
  let daemons = first;
  let users = 0;
  const stop = async () => {
    await killAll(daemons);
    folder[Symbol.dispose]();
  };
  return {
    ...addressOf({ httpPort: ports.http, httpsPort: ports.https, caPath: folder.file("ca.pem") }),
    async addUser() {
      users += 1;
      const user = { accessKeyId: `STRANGER${users}`, secretAccessKey: testSecret(`of-${users}`) };
      await runToEnd(addUserCommand(folder, user));
      return user;
    },
    kill: () => killAll(daemons),
    async restart() {
      await killAll(daemons);
      daemons = await startAgain(folder, ports);
    },
    freeze: () => daemons.at(-1)?.signal("SIGSTOP"),
    thaw: () => daemons.at(-1)?.signal("SIGCONT"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

type Address = Pick<S3Server, "httpPort" | "httpsPort" | "caPath">;
type Addressed = Omit<S3Server, "addUser" | "kill" | "restart" | "freeze" | "thaw" | "stop" | symbol>;

/** All that needs the server's address alone. */
function addressOf({ httpPort, httpsPort, caPath }: Address): Addressed {
  let buckets = 0;
  const endpoint = `http://127.0.0.1:${httpPort}`;
  const httpsEndpoint = `https://127.0.0.1:${httpsPort}`;
  return {
    ...OWNER,
    endpoint,
    httpsEndpoint,
    caPath,
    httpPort,
    httpsPort,
    env: environmentOf(OWNER),
    async bucketUrl({ scheme = "http" } = {}) {
      buckets += 1;
      const bucket = `test-${process.pid}-${buckets}`;
      await createBucket(endpoint, bucket);
      const query = `endpoint=${scheme === "http" ? endpoint : httpsEndpoint}&region=${S3_REGION}&path-style=true`;
      return `s3://${bucket}/snapshots-of-test?${query}`;
    },
  };
}

/** Another process owns it. */
function attachTo(description: string): S3Server {
  const owned = () => {
    throw new Error("this S3 server belongs to another test process");
  };
  return {
    ...addressOf(JSON.parse(description) as Address), // written by `forChildTests`
    addUser: owned,
    kill: owned,
    restart: owned,
    freeze: owned,
    thaw: owned,
    stop: owned,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The environment for programs that are to use these credentials and no others. */
export function environmentOf({ accessKeyId, secretAccessKey }: S3Credentials): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: S3_REGION,
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

async function createBucket(endpoint: string, bucket: string): Promise<void> {
  const { S3Client, CreateBucketCommand } = await import("@aws-sdk/client-s3");
  const client = new S3Client({ endpoint, region: S3_REGION, forcePathStyle: true, credentials: OWNER });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } finally {
    client.destroy();
  }
}

/** For tests that look at a certificate or make one: the openssl that came with the server. */
export function opensslCommand(...args: readonly string[]): readonly string[] {
  return cephProgram("openssl", ...args);
}
