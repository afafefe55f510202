/**
 * The loader: change events of Debezium on Kafka become rows, each event once.
 *
 * This file wires the parts together; what runs is service/loader-run.ts, and what writes is a lane (lanes/lane.ts).
 */
import type { FetchLike } from "../client/index.ts";
import { LOADER_LIMITS } from "../core/limits.ts";
import { type Clock, systemClock } from "../core/process/clock.ts";
import type { TlsFiles } from "../core/process/listen.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import {
  type StatusEndpoint,
  type StatusEndpointOptions,
  startStatusEndpoint,
} from "../core/process/status-endpoint.ts";
import type { Tracer } from "../core/process/tracing/tracer.ts";
import type { DeadLetters } from "./dead-letters/dead-letters.ts";
import { openDeadLetters, parseDeadLetterPlace } from "./dead-letters/open.ts";
import type { Kafka } from "./kafka/consumer.ts";
import { type LaneMakerOptions, laneMaker } from "./lane-maker.ts";
import { openMapping } from "./mapping/keeper.ts";
import type { MappingText } from "./mapping/mapping-text.ts";
import { planMapping } from "./mapping/plan.ts";
import { readMappingFile } from "./mapping/read-file.ts";
import { executiveSchemas } from "./mapping/schema-store.ts";
import { LoaderRun, type LoaderRunOptions } from "./service/loader-run.ts";
import { createLoaderMeter, type LoaderMeter } from "./service/status/metrics.ts";
import type { LoaderStatus } from "./service/status/status.ts";
import { SnapshotMetrics } from "./snapshots/snapshot-meter.ts";
import { createTransactionMeter } from "./transactions/transaction-meter.ts";

export interface LoaderDeps {
  readonly kafka: Kafka;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  /** For the jitter of waits: returns 0 ≤ x < 1. */
  readonly random?: () => number;
  /** To the Executive; the runtime's own when absent. */
  readonly fetch?: FetchLike;
  /** A span for each batch; absent: nothing is traced. */
  readonly tracer?: Tracer;
}

export interface LoaderOptions extends Omit<LoaderRunOptions, "patienceMs">, LaneMakerOptions {
  readonly mapping: MappingText;
  /** How long a run that ends by itself waits for what is away; absent is `LOADER_LIMITS.oncePatienceMs`. */
  readonly oncePatienceMs?: number;
  /** `file:PATH` or `topic:NAME`; null stops at the first event that cannot be loaded. */
  readonly deadLetter: string | null;
  /** Where to answer /status, /healthz, /readyz and /metrics; null nowhere. */
  readonly bind: string | null;
  /** Answers there by HTTPS. */
  readonly tls?: TlsFiles;
}

export interface RunningLoader {
  /** Settles when everything has ended. @throws CtlstoreError what the loader could not go on for */
  readonly done: Promise<void>;
  /** Of the status endpoint. */
  readonly url: string | null;
  status(): LoaderStatus;
  /** Ends the batches under way, writes the last positions, leaves the group. */
  stop(): Promise<void>;
}

/**
 * Starts the loader. Whatever is away is waited for; `done` tells what cannot be waited for.
 *
 * @throws CtlstoreError `config_invalid`, `mapping_invalid` (the file by itself), `dead_letters_unavailable`
 */
export async function startLoader(deps: LoaderDeps, options: LoaderOptions): Promise<RunningLoader> {
  const deadLetters = await deadLettersFor(options, deps.kafka);
  const meter = createLoaderMeter(deps.metrics);
  const run = newRun(deps, options, { deadLetters, meter });
  let endpoint: StatusEndpoint | null = null;
  try {
    if (options.bind !== null)
      endpoint = await startEndpoint(run, { ...options, bind: options.bind }, { ...deps, meter });
  } catch (error) {
    await deadLetters?.[Symbol.asyncDispose]();
    throw error;
  }
  const stopping = new AbortController();
  const done = run.run(stopping.signal).finally(async () => {
    await deadLetters?.[Symbol.asyncDispose]();
    await endpoint?.stop();
  });
  done.catch(() => {}); // heard by whoever waits for it
  return {
    done,
    url: endpoint?.url ?? null,
    status: () => run.status(),
    async stop() {
      stopping.abort(new Error("the loader was asked to stop"));
      await done;
    },
  };
}

interface Prepared {
  readonly deadLetters: DeadLetters | null;
  readonly meter: LoaderMeter;
}

function newRun(deps: LoaderDeps, options: LoaderOptions, { deadLetters, meter }: Prepared): LoaderRun {
  const { kafka, logger, metrics, clock = systemClock, random = Math.random, fetch, tracer } = deps;
  const { executive: url, adminToken, mapping } = options;
  const sent = fetch === undefined ? {} : { fetch };
  const schemas = executiveSchemas({ url, adminToken, clock, ...sent });
  const patienceMs = options.once ? (options.oncePatienceMs ?? LOADER_LIMITS.oncePatienceMs) : null;
  const shared = {
    deadLetters,
    meter: meter.lanes,
    snapshotMetrics: new SnapshotMetrics(metrics),
    transactionMeter: createTransactionMeter(metrics),
    logger,
    clock,
    random,
    ...sent,
    ...(tracer === undefined ? {} : { tracer }),
  };
  return new LoaderRun(
    {
      consumer: kafka.consumer(),
      openMapping: (signal) => openMapping(mapping.text, schemas, { name: mapping.name, signal }),
      laneMaker: (keeper) => laneMaker({ ...shared, keeper }, options, patienceMs),
      meter,
      logger,
      clock,
      random,
    },
    { ...options, patienceMs },
  );
}

/** Opened at the start: a file that cannot be written to is found out before the first letter. */
async function deadLettersFor(
  { deadLetter, mapping: { text, name } }: LoaderOptions,
  kafka: Kafka,
): Promise<DeadLetters | null> {
  const { tables, transactionTopic } = planMapping(readMappingFile(text, name), name);
  if (deadLetter === null) return null;
  const loaded = [
    ...tables.map(({ topic }) => topic),
    ...(transactionTopic === null ? [] : [transactionTopic]),
  ];
  return openDeadLetters(parseDeadLetterPlace(deadLetter, loaded), () => kafka.producer());
}

function startEndpoint(
  run: LoaderRun,
  { bind, tls }: StatusEndpointOptions,
  { metrics, meter, logger }: Pick<LoaderDeps, "metrics" | "logger"> & { readonly meter: LoaderMeter },
): Promise<StatusEndpoint> {
  metrics.beforeRender(() => meter.publish(run.status()));
  return startStatusEndpoint(
    {
      status: () => run.status(),
      readiness: () => {
        const { ready, state, lagEvents, lagSeconds, missingTopics } = run.status();
        return { ready, state, lagEvents, lagSeconds, missingTopics };
      },
      metrics,
      logger,
    },
    { bind, ...(tls === undefined ? {} : { tls }) },
  );
}
