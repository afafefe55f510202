/**
 * The whole of ctlstore in one process, on embedded storage in one folder: Executive, heartbeat, Reflector, Supervisor,
 * sidecar.
 *
 * The Supervisor freezes the LDB of that same Reflector, which gets itself a snapshot when its folder is gone. A real one
 * has an LDB of its own, so that a host is never in the way of all others.
 *
 * The Reflector comes before all that listens and writes: its lock on the LDB tells a second start on the same folder
 * who was here before.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isCtlstoreError } from "../../core/errors.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openCtlDb, openLedgerSource } from "../../ctldb/open.ts";
import { startHeartbeat } from "../../heartbeat/start.ts";
import { type RunningReflector, startReflector } from "../../reflector/start.ts";
import { startExecutive } from "../../server/executive.ts";
import { createGroupObserver, type GroupObserver } from "../../server/executive-metrics.ts";
import { startSidecar } from "../../sidecar/sidecar.ts";
import { openSnapshotStore } from "../../snapshot/stores/open.ts";
import { startSupervisor } from "../../snapshot/supervisor/start.ts";
import { followReflector } from "../followed-reflector.ts";
import { keptSecret } from "../kept-secret.ts";
import { type Service, stopAll } from "../service.ts";
import { startOnFreePort } from "./free-port.ts";

export interface StackDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly note: (line: string) => void;
  readonly logger: (component: string) => Logger;
}

export interface StackOptions {
  readonly dataFolder: string;
  readonly executivePort: number;
  readonly reflectorPort: number;
  readonly sidecarPort: number;
}

export interface Stack {
  readonly executiveUrl: string;
  readonly reflectorUrl: string;
  readonly sidecarUrl: string;
  readonly ldbFolder: string;
  readonly snapshotsFolder: string;
  readonly adminToken: string;
  readonly adminTokenPath: string;
  /** In the order of their start. */
  readonly services: readonly Service[];
}

/** An idle embedded ledger is cheap to poll, and a person is waiting. */
const POLL_INTERVAL_MS = 100;

/** @throws CtlstoreError `ldb_locked` when another process has the folder, `config_invalid`, and what the parts throw */
export async function startStack(deps: StackDeps, options: StackOptions): Promise<Stack> {
  const { dataFolder } = options;
  // A store is never made by those who use it: it may be a mount that is missing.
  mkdirSync(snapshotsFolderOf(dataFolder), { recursive: true });
  const services: Service[] = [];
  try {
    return await startParts(deps, options, services);
  } catch (error) {
    await stopAll(services);
    if (!isCtlstoreError(error) || error.code !== "ldb_locked") throw error;
    throw error.with({
      hint: `is another \`ctlstore dev\` running? Stop it, or choose another folder with --data`,
    });
  }
}

function snapshotsFolderOf(dataFolder: string): string {
  return join(dataFolder, "snapshots");
}

async function startParts(deps: StackDeps, options: StackOptions, services: Service[]): Promise<Stack> {
  const { dataFolder } = options;
  const ldbFolder = join(dataFolder, "ldb");
  const snapshotsFolder = snapshotsFolderOf(dataFolder);
  const snapshotsUrl = pathToFileURL(resolve(snapshotsFolder)).href;
  const ctldbUrl = `sqlite:${join(dataFolder, "ctldb.db")}`;
  const groups: { observe: GroupObserver } = { observe: () => {} };
  const ctldb = await openCtlDb(
    ctldbUrl,
    { logger: deps.logger("ctldb"), clock: deps.clock },
    { onGroup: (writes, times) => groups.observe(writes, times) },
  );
  services.push({ name: "ctldb", stop: async () => ctldb[Symbol.asyncDispose]() });
  const reflector = await addReflector(
    deps,
    { ctldbUrl, ldbFolder, snapshotsUrl, port: options.reflectorPort },
    services,
  );
  await addSupervisor(deps, { reflector, ldbFolder, snapshotsUrl }, services);
  const adminTokenPath = join(dataFolder, "admin-token");
  const adminToken = keptSecret(adminTokenPath);
  const executiveUrl = await addExecutive(
    deps,
    { ctldb, groups, adminToken, port: options.executivePort },
    services,
  );
  const heartbeat = startHeartbeat(
    { ...deps, logger: deps.logger("heartbeat") },
    { url: executiveUrl, adminToken, secret: keptSecret(join(dataFolder, "heartbeat-secret")) },
  );
  services.push({ name: "heartbeat", stop: () => heartbeat.stop() });
  const sidecarUrl = await addSidecar(deps, { ldbFolder, port: options.sidecarPort }, services);
  const reflectorUrl = reflector.url ?? "";
  return {
    executiveUrl,
    reflectorUrl,
    sidecarUrl,
    ldbFolder,
    snapshotsFolder,
    adminToken,
    adminTokenPath,
    services,
  };
}

async function addReflector(
  deps: StackDeps,
  {
    ctldbUrl,
    ldbFolder,
    snapshotsUrl,
    port,
  }: { ctldbUrl: string; ldbFolder: string; snapshotsUrl: string; port: number },
  services: Service[],
): Promise<RunningReflector> {
  const logger = deps.logger("reflector");
  const { clock, random, note } = deps;
  const start = (bind: string) =>
    startReflector(
      {
        source: openLedgerSource(ctldbUrl, { logger, clock }),
        logger,
        clock,
        random,
        metrics: createMetrics(),
      },
      {
        ldbFolder,
        bind,
        pollIntervalMs: POLL_INTERVAL_MS,
        bootstrap: { url: snapshotsUrl, jitterMs: 0 },
        changelog: {},
      },
    );
  const reflector = await startOnFreePort({ name: "Reflector", port, note }, start);
  services.push({ name: "Reflector", done: reflector.done, stop: () => reflector.stop() });
  return reflector;
}

async function addSupervisor(
  { clock, random, logger }: StackDeps,
  {
    reflector,
    ldbFolder,
    snapshotsUrl,
  }: { reflector: RunningReflector; ldbFolder: string; snapshotsUrl: string },
  services: Service[],
): Promise<void> {
  const store = await openSnapshotStore(snapshotsUrl, { clock });
  services.push({ name: "snapshot store", stop: async () => store[Symbol.asyncDispose]() });
  const followed = followReflector(reflector);
  const metrics = createMetrics();
  const supervisor = await startSupervisor(
    { followed, store, clock, random, metrics, logger: logger("supervisor") },
    { ldbFolder },
  );
  services.push({ name: "Supervisor", done: supervisor.done, stop: () => supervisor.stop() });
}

async function addExecutive(
  deps: StackDeps,
  {
    ctldb,
    groups,
    adminToken,
    port,
  }: { ctldb: CtlDb; groups: { observe: GroupObserver }; adminToken: string; port: number },
  services: Service[],
): Promise<string> {
  const logger = deps.logger("executive");
  const { clock, note } = deps;
  const executive = await startOnFreePort({ name: "Executive", port, note }, (bind) => {
    // A registry of its own for each attempt: it takes each metric once.
    const metrics = createMetrics();
    groups.observe = createGroupObserver(metrics);
    return startExecutive(
      { ctldb, logger, clock, metrics },
      { bind, adminToken, destructiveSchemaChanges: true },
    );
  });
  services.push({ name: "Executive", stop: () => executive.stop() });
  return executive.url;
}

async function addSidecar(
  { clock, logger, note }: StackDeps,
  { ldbFolder, port }: { ldbFolder: string; port: number },
  services: Service[],
): Promise<string> {
  const sidecar = await startOnFreePort({ name: "sidecar", port, note }, (bind) =>
    startSidecar(
      { clock, logger: logger("sidecar"), metrics: createMetrics() },
      { ldb: ldbFolder, binds: [bind] },
    ),
  );
  services.push({ name: "sidecar", stop: () => sidecar.stop() });
  return sidecar.urls[0] ?? "";
}
