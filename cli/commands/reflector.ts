/** `ctlstore reflector`: applies the ledger to the local database of this host. */
import { BOOTSTRAP_OPTIONS, bootstrapOf } from "../bootstrap-options.ts";
import { CHANGELOG_OPTIONS, changelogOf } from "../changelog-options.ts";
import { command } from "../command.ts";
import { READINESS_OPTIONS, readinessOf } from "../readiness-options.ts";
import { runUntilStopped } from "../service.ts";
import { serviceMetrics } from "../service-metrics.ts";
import { ctldbOption, ldbOption, pollIntervalOption, statusBindOption } from "../shared-options.ts";
import { TRACING_OPTIONS, tracerOf, tracingOf } from "../tracing-options.ts";
import { TLS_OPTIONS, tlsOf } from "../transport-options.ts";

export const reflectorCommand = command({
  name: "reflector",
  summary: "run the Reflector: keeps the local database of this host up to date",
  details:
    "It starts and serves with the central database away, and takes up where it stands. One Reflector writes one folder.\n" +
    "With --bootstrap it gets itself a snapshot when the local database is empty, too old for the ledger, or damaged.\n" +
    "With --changelog it tells which keys changed, for caches on this host; without it, it removes the one of an earlier run.",
  options: {
    ctldb: ctldbOption,
    ldb: ldbOption,
    bind: statusBindOption,
    ...TLS_OPTIONS,
    pollIntervalMs: pollIntervalOption,
    ...BOOTSTRAP_OPTIONS,
    ...CHANGELOG_OPTIONS,
    ...READINESS_OPTIONS,
    ...TRACING_OPTIONS,
  },
  examples: [
    "reflector --ctldb sqlite:ctldb.db --ldb ./ldb",
    "reflector --ctldb @ctldb-url --bind 127.0.0.1:3001",
    "reflector --ctldb @ctldb-url --bootstrap s3://bucket/prefix?region=eu-west-1",
    "reflector --ctldb @ctldb-url --changelog --changelog-bytes 64MiB",
    "reflector --ctldb sqlite:ctldb.db --ldb ./ldb --ready-file /run/ctlstore/ready --ecs-status",
    "reflector --ctldb @ctldb-url --otlp-endpoint http://127.0.0.1:4318",
  ],
  async run(context, options) {
    // Who saw the host ready may stop it at once: a signal that comes before the wait below is for it too.
    context.stopSignal();
    const { openLedgerSource } = await import("../../ctldb/open.ts");
    const { startReflector } = await import("../../reflector/start.ts");
    const bootstrap = bootstrapOf(options);
    const changelog = changelogOf(options);
    const logger = context.logger("reflector", options.logLevel);
    const { clock, random } = context;
    const metrics = serviceMetrics(context, "reflector");
    await using tracing = await tracingOf("ctlstore-reflector", options, context, { logger, metrics });
    const source = openLedgerSource(options.ctldb, { logger, clock }, { traces: tracing !== null });
    const { ldb, bind, pollIntervalMs } = options;
    const observers =
      bootstrap === undefined || !context.watched
        ? []
        : [(await import("../bootstrap-bar.ts")).bootstrapBar()];
    const reflector = await startReflector(
      { source, logger, clock, random, metrics, observers, ...tracerOf(tracing) },
      {
        ldbFolder: ldb,
        pollIntervalMs,
        readiness: readinessOf(options, context.environment),
        ...(bind === undefined ? {} : { bind, ...tlsOf(options) }),
        ...(bootstrap === undefined ? {} : { bootstrap }),
        ...(changelog === undefined ? {} : { changelog }),
      },
    );
    context.note(
      `Reflector writes ${ldb}${reflector.url === null ? "" : `, status on ${reflector.url}/status`}`,
    );
    await runUntilStopped(context, [
      { name: "Reflector", done: reflector.done, stop: () => reflector.stop() },
    ]);
  },
});
