/**
 * The Executive as a running service: listens, and on stop refuses what is new while what is under way finishes.
 */
import { CtlstoreError } from "../core/errors.ts";
import { LISTEN_LIMITS } from "../core/limits.ts";
import { drain } from "../core/process/drain.ts";
import { listen, type TlsFiles } from "../core/process/listen.ts";
import { limitRequests } from "../core/process/request-limit.ts";
import { decideOpenTo } from "./access/exposure.ts";
import { createApp } from "./app.ts";
import type { AppDeps, AppOptions } from "./context.ts";
import { CtlDbWatch } from "./ctldb-watch.ts";
import { errorAnswer } from "./error-answer.ts";
import { REQUESTS_REFUSED } from "./executive-metrics.ts";
import { pathOf } from "./route-table.ts";

export interface ExecutiveOptions extends Omit<AppOptions, "openTo" | "stopping"> {
  /** `host:port` or `unix:PATH`; port 0 takes any free one. IPv6 addresses stand in brackets. */
  readonly bind: string;
  /** Accepts that everybody who can connect may do everything, while there is neither an admin token nor an operator. */
  readonly insecure?: boolean;
  /** Answers HTTPS in place of HTTP. */
  readonly tls?: TlsFiles;
  /** Most connections at a time; see `ListenOptions`. */
  readonly maxConnections?: number;
  /** Most requests under way at a time. Default `LISTEN_LIMITS.requests`. */
  readonly maxRequests?: number;
  /** How long `stop` waits for requests under way. */
  readonly drainMs?: number;
}

export interface RunningExecutive {
  /** Where it listens, such as `http://127.0.0.1:3000`, or `unix:PATH`. */
  readonly url: string;
  /** Looks now whether the files of the certificate have changed. */
  reloadCertificates(): void;
  /** Refuses new requests, lets those under way finish, then closes. Calling it again gives the same promise. */
  stop(): Promise<void>;
}

/** Longer than any time limit towards the ctldb, so that a request under way gets its answer. */
const DEFAULT_DRAIN_MS = 30_000;
/**
 * Bodies are read up to `limits.requestBytes`, and a longer one is answered by us. This bounds what is let fall of a body
 * that nobody reads, after its answer; before, it waits in the connection and not in memory. The answer to a larger one is
 * a bare 413.
 */
const UNREAD_BODY_BYTES = 64 * 1024 * 1024;

/** @throws CtlstoreError `config_invalid` (its cause has the code EADDRINUSE when the port is taken) */
export async function startExecutive(deps: AppDeps, options: ExecutiveOptions): Promise<RunningExecutive> {
  const openTo = await decideOpenTo({ operators: deps.ctldb.operators, logger: deps.logger }, options);
  const waits = new AbortController();
  const app = createApp(deps, { ...options, openTo, stopping: waits.signal });
  const watch = new CtlDbWatch(deps);
  let stopping: Promise<void> | undefined;
  const answer = limited((request) => app.handle(request), deps, options.maxRequests);
  const { logger, clock, metrics } = deps;
  const { tls, maxConnections } = options;
  const server = await listen(options.bind, {
    fetch: (request) => (stopping === undefined ? answer(request) : refuseWhileStopping(deps)),
    maxRequestBodySize: UNREAD_BODY_BYTES,
    ...{ logger, clock, metrics },
    ...(tls === undefined ? {} : { tls }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
  });
  logger.info({ url: server.url }, "listening");
  watch.start();
  const stop = async () => {
    // Closes the listening socket at once; connections that are open still get answers.
    void server.stop(false);
    waits.abort();
    await drain(() => server.pendingRequests, deps, options.drainMs ?? DEFAULT_DRAIN_MS);
    await server.stop(true);
    watch.stop();
    deps.logger.info({}, "stopped");
  };
  return {
    url: server.url,
    reloadCertificates: () => server.reloadCertificates(),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

type Answer = (request: Request) => Response | Promise<Response>;

/** Health and metrics are answered also when there is more to do than may be. */
const EXEMPT = new Set(["/healthz", "/readyz", "/metrics"]);

function limited(
  answer: Answer,
  { logger, metrics }: AppDeps,
  most: number = LISTEN_LIMITS.requests,
): Answer {
  const refused = metrics.counter(REQUESTS_REFUSED, "Requests refused because too many were under way");
  return limitRequests(answer, {
    most,
    isExempt: (request) => EXEMPT.has(pathOf(request.url)),
    refuse: () => {
      refused.inc();
      return errorAnswer(
        new CtlstoreError("overloaded", `Cannot take the request: ${most} are under way already`),
        logger,
      );
    },
  });
}

function refuseWhileStopping({ logger }: AppDeps): Response {
  const error = new CtlstoreError("overloaded", "Cannot take the request: the Executive is stopping");
  const response = errorAnswer(error, logger);
  response.headers.set("connection", "close");
  return response;
}

/** Waits until every request under way has its answer sent, or the time is up. */
