/**
 * The sidecar: reads of a host's LDB over HTTP, for whoever has no reader library.
 *
 * It writes nothing (I10) and needs the LDB's files alone: it starts before they are there, and goes on while the
 * Reflector and the ctldb are away (I15).
 */
import { LISTEN_LIMITS, SIDECAR_LIMITS } from "../core/limits.ts";
import { ByteBudget } from "../core/process/byte-budget.ts";
import type { Clock } from "../core/process/clock.ts";
import { drain } from "../core/process/drain.ts";
import { isLoopbackBind, type Listener, listen } from "../core/process/listen.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import { BodyBudget } from "../core/process/read-body.ts";
import { VERSION } from "../core/version.ts";
import { type CallContext, factsOf, sequenceOf } from "./call.ts";
import { Dispatcher } from "./dispatcher.ts";
import { LdbAccess } from "./ldb-access.ts";
import { createSidecarMeter, sharedMetrics } from "./metrics.ts";
import { type SidecarOptions, withDefaultLimits } from "./options.ts";
import { createOwnAnswers, ldbStateOf, type SidecarStatus } from "./own-answers.ts";
import { createRoutes, type Route } from "./routes.ts";
import { SequenceWaits } from "./sequence-waits.ts";
import { latencySeconds } from "./state-headers.ts";
import { Turns } from "./stream-budget.ts";

export interface SidecarDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface RunningSidecar {
  /** Where it listens, such as `http://127.0.0.1:1331` and `unix:PATH`, in the order of the binds. */
  readonly urls: readonly string[];
  status(): SidecarStatus;
  /** Looks now whether the files of the certificate have changed. */
  reloadCertificates(): void;
  /** Refuses new requests, lets those under way finish, then closes. Calling it again gives the same promise. */
  stop(): Promise<void>;
}

/** Longer bodies than `requestBytes` get our own answer; longer than this a bare 413. */
const UNREAD_BODY_BYTES = 64 * 1024 * 1024;

/** @throws CtlstoreError `config_invalid` (its cause has the code EADDRINUSE when an address is taken) */
export async function startSidecar(deps: SidecarDeps, options: SidecarOptions): Promise<RunningSidecar> {
  const access = new LdbAccess(deps, options.ldb);
  const parts = assemble(deps, options, access);
  const listeners: Listener[] = [];
  try {
    const metrics = sharedMetrics(deps.metrics);
    for (const bind of options.binds)
      listeners.push(await listenOn(bind, { ...deps, metrics }, options, parts));
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.stop(true)));
    access[Symbol.dispose]();
    throw error;
  }
  parts.urls.push(...listeners.map(({ url }) => url));
  deps.logger.info({ urls: parts.urls, ldb: options.ldb }, "listening");
  let stopping: Promise<void> | undefined;
  return {
    urls: parts.urls,
    status: parts.status,
    reloadCertificates: () => {
      for (const listener of listeners) listener.reloadCertificates();
    },
    stop: () => {
      stopping ??= stop(deps, parts, listeners, access);
      return stopping;
    },
  };
}

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly context: CallContext;
  readonly status: () => SidecarStatus;
  /** Known once it listens. */
  readonly urls: string[];
}

function assemble(deps: SidecarDeps, options: SidecarOptions, access: LdbAccess): Parts {
  const { clock, logger, metrics } = deps;
  const limits = withDefaultLimits(options.limits);
  const { maxRows = SIDECAR_LIMITS.prefixRows, maxRequests = LISTEN_LIMITS.requests } = options;
  const waits = new SequenceWaits({ clock, sequence: () => sequenceOf(access) }, limits.waits);
  const turns = new Turns(limits.streams, limits.waitingStreams);
  const rest = new ByteBudget(limits.restBytes);
  const urls: string[] = [];
  const ldbState = () => ldbStateOf(access, clock);
  const status = (): SidecarStatus => ({
    ...{ version: VERSION, ldb: options.ldb, listensOn: urls },
    ...ldbState(),
    ...{ maxRows, requestsInFlight: dispatcher.inFlight, streams: turns.taken, waitingReads: waits.count },
  });
  const routes: ReadonlyMap<string, Route> = createRoutes(createOwnAnswers({ ldbState, status, metrics }));
  const patterns = [...routes.values()].map(({ pattern }) => pattern);
  const startedMs = clock.monotonicMs();
  const meter = createSidecarMeter(metrics, patterns, {
    requestsInFlight: () => dispatcher.inFlight,
    streams: () => turns.taken,
    streamRestBytes: () => rest.held,
    waitingReads: () => waits.count,
    uptimeSeconds: () => (clock.monotonicMs() - startedMs) / 1_000,
    state: () => stateForMetrics(access, clock),
  });
  const context = {
    clock,
    logger,
    access,
    waits,
    turns,
    rest,
    bodies: new BodyBudget(limits.bodiesBytes),
    meter,
    limits,
    maxRows,
  };
  const dispatcher = new Dispatcher(context, routes, maxRequests);
  return { dispatcher, context, status, urls };
}

function stateForMetrics(access: LdbAccess, clock: Clock) {
  try {
    const facts = factsOf(access);
    return { sequence: facts.sequence, latencySeconds: latencySeconds(facts, clock.nowUs()) };
  } catch {
    return null; // which is what the metrics say
  }
}

function listenOn(
  bind: string,
  { clock, logger, metrics }: SidecarDeps,
  { tls, maxConnections }: SidecarOptions,
  { dispatcher }: Parts,
): Promise<Listener> {
  if (!isLoopbackBind(bind) && tls?.clientCaFile === undefined)
    logger.warn({ bind }, "whoever can connect to this address can read all data");
  return listen(bind, {
    fetch: (request) => dispatcher.fetch(request),
    maxRequestBodySize: UNREAD_BODY_BYTES,
    ...{ clock, logger, metrics },
    ...(tls === undefined || bind.startsWith("unix:") ? {} : { tls }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
  });
}

async function stop(
  { clock, logger }: SidecarDeps,
  { dispatcher, context }: Parts,
  listeners: readonly Listener[],
  access: LdbAccess,
): Promise<void> {
  // Closes the listening sockets at once; connections that are open still get answers.
  for (const listener of listeners) void listener.stop(false);
  dispatcher.stop();
  context.waits.stop();
  const pending = () => listeners.reduce((sum, { pendingRequests }) => sum + pendingRequests, 0);
  await drain(pending, { clock, logger }, context.limits.drainMs);
  await Promise.all(listeners.map((listener) => listener.stop(true)));
  access[Symbol.dispose]();
  logger.info({}, "stopped");
}
