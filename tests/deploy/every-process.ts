/**
 * Every service of ctlstore as a real process, with everything that it needs away or broken: ctldb, store of snapshots,
 * LDB, Executive, Kafka. Started once per test run, by the first who asks.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { makeCa } from "../support/certificates.ts";
import { onTestsEnd } from "../support/cleanup.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { hasKafka } from "../support/kafka/cluster.ts";
import { loaderCommand } from "../support/loader/loader-command.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { testSecret } from "../support/secrets.ts";
import { ctlstore, SERVICE_ADMIN_TOKEN } from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

export type ServiceName = "executive" | "reflector" | "supervisor" | "heartbeat" | "sidecar" | "loader";

/** The loader needs its Kafka client. */
export const SERVICES: readonly ServiceName[] = [
  "executive",
  "reflector",
  "supervisor",
  "heartbeat",
  "sidecar",
  ...(hasKafka ? (["loader"] as const) : []),
];

export interface BrokenService {
  readonly process: TestProcess;
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
}

/** Nothing listens there: port 1 is nobody's. */
const NOBODY = "127.0.0.1:1";
const BUCKET = `s3://bucket/prefix?endpoint=http://${NOBODY}&region=us-east-1&path-style=true`;

/** The log of each, from debug on. */
const ENVIRONMENT = {
  CTLSTORE_LOG_LEVEL: "debug",
  CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN,
  CTLSTORE_SECRET: testSecret("every-process"),
  AWS_ACCESS_KEY_ID: "tests",
  AWS_SECRET_ACCESS_KEY: testSecret("every-process-s3"),
};

type Environment = Readonly<Record<string, string>>;
type Services = ReadonlyMap<ServiceName, BrokenService>;

let shared: Promise<Services> | null = null;

export function everyProcess(): Promise<Services> {
  shared ??= startAll(ENVIRONMENT);
  return shared;
}

/** What all of them, started once more and ended again, say on standard error. */
export async function sayings(environment: Environment): Promise<ReadonlyMap<ServiceName, string>> {
  const services = await startAll({ ...ENVIRONMENT, ...environment });
  await Promise.all([...services.values()].map(({ process }) => process.kill()));
  return new Map([...services].map(([name, { process }]) => [name, process.stderr]));
}

async function startAll(environment: Environment): Promise<Services> {
  const folder = tempFolder("every-process");
  onTestsEnd(() => folder[Symbol.dispose]());
  // They end by SIGKILL, and what they leave in their temporary folder goes with ours.
  const env = { ...environment, TMPDIR: folder.path };
  const ca = makeCa(folder);
  const { certFile, keyFile } = ca.issue({ commonName: "reflector", hosts: ["127.0.0.1"] });
  // One of them answers by HTTPS, so that what listeners measure is there too.
  const tls = ["--tls-cert", certFile, "--tls-key", keyFile];
  const ldbs = ["reflector", "supervisor", "sidecar"].map((name) => damagedLdb(folder, name));
  const [reflectorLdb = "", supervisorLdb = "", sidecarLdb = ""] = ldbs;
  const started: Array<readonly [ServiceName, Promise<BrokenService>]> = [
    ["executive", startExecutiveThenBreak(env)],
    [
      "reflector",
      start(
        env,
        ["reflector", "--ldb", reflectorLdb, "--bootstrap", BUCKET, "--changelog", ...tls],
        ca.caFile,
      ),
    ],
    ["supervisor", start(env, ["supervisor", "--ldb", supervisorLdb, "--snapshots", BUCKET])],
    ["heartbeat", start(env, ["heartbeat", "--executive", `http://${NOBODY}`])],
    ["sidecar", start(env, ["sidecar", "--ldb", sidecarLdb])],
    ...(hasKafka ? ([["loader", startLoader(env, folder)]] as const) : []),
  ];
  return new Map(await Promise.all(started.map(async ([name, service]) => [name, await service] as const)));
}

/** A folder in which the LDB is no database. */
function damagedLdb(folder: TempFolder, name: string): string {
  const path = folder.file(name);
  mkdirSync(path);
  writeFileSync(folder.file(name, "ldb.db"), "this is no database ".repeat(1_000));
  return path;
}

function start(environment: Environment, args: readonly string[], caFile?: string): Promise<BrokenService> {
  const env = { ...environment, CTLSTORE_CTLDB: `mysql://app@${NOBODY}/ctldb` };
  return listening(startProcess(ctlstore(...args, "--bind", "127.0.0.1:0"), { env }), caFile);
}

/** It needs its ctldb to start; what breaks is the network to it. */
async function startExecutiveThenBreak(environment: Environment): Promise<BrokenService> {
  const mariadb = await sharedMariadb();
  const proxy = await startFaultProxy(mariadb);
  onTestsEnd(() => void proxy.close());
  const url = new URL(await mariadb.createDatabase());
  url.port = String(proxy.port);
  const env = { ...environment, CTLSTORE_CTLDB: url.href };
  const service = await listening(startProcess(ctlstore("executive", "--bind", "127.0.0.1:0"), { env }));
  proxy.set({ refuse: true });
  proxy.resetAll();
  await until(async () => (await service.get("/readyz")).status === 503, { what: "the ctldb to be away" });
  return service;
}

async function startLoader(environment: Environment, folder: TempFolder): Promise<BrokenService> {
  const mapping = folder.file("mapping.json");
  writeFileSync(
    mapping,
    JSON.stringify({ version: 1, tables: [{ topic: "orders", family: "shop", table: "orders" }] }),
  );
  const flags = ["--brokers", NOBODY, "--mapping", mapping, "--executive", `http://${NOBODY}`];
  const command = await loaderCommand(["loader", ...flags, "--bind", "127.0.0.1:0"]);
  return listening(startProcess(command, { env: environment }));
}

async function listening(process: TestProcess, caFile?: string): Promise<BrokenService> {
  const [url] = await process.waitForOutput(/https?:\/\/127\.0\.0\.1:(?!1\b)\d+/, 60_000);
  const tls = caFile === undefined ? {} : { tls: { ca: Bun.file(caFile) } };
  return {
    process,
    async get(path) {
      const answer = await fetch(`${url}${path}`, tls);
      return { status: answer.status, text: await answer.text() };
    },
  };
}
