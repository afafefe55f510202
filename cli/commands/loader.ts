/** `ctlstore loader`: loads Debezium's change events from Kafka, each once. Runs on Node. */
import { isCtlstoreError } from "../../core/errors.ts";
import type { LoaderDeps, LoaderOptions, RunningLoader } from "../../loader/loader.ts";
import type { LoaderStatus } from "../../loader/service/status/status.ts";
import { type CommandContext, type CommonValues, command } from "../command.ts";
import { reachExecutive, sentBy } from "../executive-options.ts";
import { readGivenFile } from "../given-file.ts";
import { kafkaOf, LOADER_OPTIONS } from "../loader-options.ts";
import type { OptionValues } from "../options.ts";
import { jsonText } from "../print.ts";
import { runUntilStopped } from "../service.ts";
import { serviceMetrics } from "../service-metrics.ts";
import { jsonOption } from "../shared-options.ts";
import { TRACING_OPTIONS, tracerOf, tracingOf } from "../tracing-options.ts";
import { tlsOf } from "../transport-options.ts";

const OPTIONS = { ...LOADER_OPTIONS, ...TRACING_OPTIONS, json: jsonOption };
type Values = OptionValues<typeof OPTIONS> & CommonValues;

export const loaderCommand = command({
  name: "loader",
  summary: "run the loader: change events of Debezium on Kafka become rows, each event once",
  details:
    "Where it goes on is in the cookies of its writers, one writer for each lane; Kafka's committed offsets are written for " +
    "lag tools alone. It stops with exit code 1 at an event that cannot be loaded without loss, and says which it is, unless " +
    "--dead-letter says where to put it. Whatever is away is waited for.\n\n" +
    "Several instances with one --group share the lanes. It runs on Node: this command starts it there.",
  options: OPTIONS,
  examples: [
    "loader --brokers kafka:9092 --mapping mapping.json --admin-token @admin-token --secret @loader-secret",
    "loader --brokers k1:9092,k2:9092 --kafka-settings kafka.properties --mapping mapping.json --executive http://executive:3000 --admin-token @admin-token --secret @loader-secret --bind 0.0.0.0:3004",
    "loader --brokers kafka:9092 --mapping mapping.json --admin-token @admin-token --secret @loader-secret --once",
    "loader --brokers kafka:9092 --mapping mapping.json --admin-token @admin-token --secret @loader-secret --dead-letter topic:shop.dead",
  ],
  async run(context, options) {
    if (typeof Bun !== "undefined") {
      const { runOnNode } = await import("../on-node.ts");
      return runOnNode(process.argv.slice(2), context);
    }
    // Who saw it answer may stop it at once: a signal that comes before the wait below is for it too.
    context.stopSignal();
    const logger = context.logger("loader", options.logLevel);
    const metrics = serviceMetrics(context, "loader");
    await using tracing = await tracingOf("ctlstore-loader", options, context, { logger, metrics });
    const loader = await start(context, options, { logger, metrics, ...tracerOf(tracing) });
    try {
      if (options.once) await once(context, options, loader);
      else await serve(context, options, loader);
    } catch (error) {
      throw withFlags(error);
    }
  },
});

async function serve(context: CommandContext, options: Values, loader: RunningLoader): Promise<void> {
  const where = loader.url === null ? "" : `, status on ${loader.url}/status`;
  context.note(`Loader reads ${options.brokers}${where}`);
  await runUntilStopped(context, [{ name: "loader", done: loader.done, stop: () => loader.stop() }]);
}

/** What only the command line knows: by which flags credentials came. */
function withFlags(error: unknown): unknown {
  if (!isCtlstoreError(error)) return error;
  if (error.code === "bad_credentials") return error.with({ hint: "look at --admin-token and --secret" });
  if (error.code !== "writer_exists") return error;
  return error.with({
    hint: "another secret was given when this loader ran first: look at --secret, or take another --writer",
  });
}

async function start(
  { clock, random }: CommandContext,
  options: Values,
  deps: Pick<LoaderDeps, "logger" | "metrics" | "tracer">,
): Promise<RunningLoader> {
  const { startLoader } = await import("../../loader/loader.ts");
  const { createKafka } = await import("../../loader/kafka/client.ts");
  const way = await reachExecutive(options, deps.logger);
  return startLoader(
    {
      kafka: createKafka(kafkaOf(options)),
      ...deps,
      clock,
      random,
      ...sentBy(way),
    },
    loaderOptions(options, way.url),
  );
}

function loaderOptions(options: Values, executive: string): LoaderOptions {
  const { mapping, adminToken, writer, secret, preserveTransactions, transactionWaitMs } = options;
  const { batchRows, batchBytes, lingerMs, keepRepeats, deadLetter, lostEvents, once, bind } = options;
  return {
    mapping: { text: readGivenFile("mapping", mapping), name: mapping },
    executive,
    adminToken,
    writer,
    secret,
    preserveTransactions,
    transactionWaitMs,
    batchRows,
    batchBytes,
    lingerMs,
    keepRepeats,
    deadLetter: deadLetter ?? null,
    lostEvents,
    once,
    bind: bind ?? null,
    ...tlsOf(options),
  };
}

/** Loads to the end and says what was done; on a terminal with a bar. */
async function once(context: CommandContext, options: Values, loader: RunningLoader): Promise<void> {
  const startMs = context.clock.monotonicMs();
  const bar = context.watched ? (await import("../loader-bar.ts")).loaderBar(() => loader.status()) : null;
  const signal = context.stopSignal();
  const stop = () => void loader.stop().catch(() => {}); // `done` says the same
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    await loader.done;
    if (!signal.aborted) bar?.finish();
  } finally {
    bar?.stop();
    signal.removeEventListener("abort", stop);
  }
  // Half of the work is no success for whoever asked for all of it.
  signal.throwIfAborted();
  const seconds = (context.clock.monotonicMs() - startMs) / 1000;
  const { totals } = loader.status();
  if (options.json) context.out(jsonText({ ...totals, seconds }));
  else context.out(summaryOf(totals, seconds));
}

function summaryOf(totals: LoaderStatus["totals"], seconds: number): string {
  const notLoaded = Object.entries(totals.notLoaded).map(([reason, count]) => `${count} ${reason}`);
  const parts = [
    `${totals.records} records`,
    `${totals.rows} rows in ${totals.batches} batches`,
    ...(totals.folded === 0 ? [] : [`${totals.folded} replaced by later ones`]),
    ...notLoaded,
    ...(totals.deadLetters === 0 ? [] : [`${totals.deadLetters} dead letters`]),
    ...(totals.lostEvents === 0 ? [] : [`${totals.lostEvents} lost`]),
  ];
  return `loaded up to the end: ${parts.join(", ")} in ${seconds.toFixed(1)} s`;
}
