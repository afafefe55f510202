/** `ctlstore executive`: the write API. */
import { hostname } from "node:os";
import { ACCESS_OPTIONS } from "../access-options.ts";
import { command } from "../command.ts";
import { LIMIT_OPTIONS, limitDefaultsOf } from "../limit-options.ts";
import { option, switchOption } from "../options.ts";
import { bindAddressOrSocket } from "../parsers.ts";
import { runUntilStopped } from "../service.ts";
import { serviceMetrics } from "../service-metrics.ts";
import { ctldbOption } from "../shared-options.ts";
import { TRACING_OPTIONS, tracerOf, tracingOf } from "../tracing-options.ts";
import { TRANSPORT_OPTIONS, transportOf } from "../transport-options.ts";

export const executiveCommand = command({
  name: "executive",
  summary: "run the Executive: the HTTP write API",
  options: {
    ctldb: ctldbOption,
    ...ACCESS_OPTIONS,
    bind: option({
      flag: "bind",
      placeholder: "HOST:PORT",
      help: "where to listen, or unix:PATH; port 0 is any free one",
      parse: bindAddressOrSocket,
      fallback: "127.0.0.1:3000",
    }),
    ...TRANSPORT_OPTIONS,
    destructiveSchemaChanges: switchOption({
      flag: "destructive-schema-changes",
      help: "allow dropping tables and clearing rows",
    }),
    originalSecrets: switchOption({
      flag: "original-secrets",
      help: "store writers' secrets unsalted, for as long as the original's Executive writes to the same ctldb",
    }),
    ...LIMIT_OPTIONS,
    ...TRACING_OPTIONS,
  },
  examples: [
    "executive --ctldb sqlite:ctldb.db --admin-token @admin-token",
    "executive --ctldb @ctldb-url --admin-token @admin-token --bind 0.0.0.0:3000",
    "executive --ctldb @ctldb-url --admin-token @admin-token --bind 0.0.0.0:3000 --tls-cert server.pem --tls-key server.key --tls-client-ca clients.pem",
    "executive --ctldb @ctldb-url --admin-token @admin-token --bind unix:/run/ctlstore/executive.sock",
    "executive --ctldb @ctldb-url --admin-token @admin-token --otlp-endpoint http://127.0.0.1:4318 --trace-ratio 0.01",
  ],
  async run(context, options) {
    const { openCtlDb } = await import("../../ctldb/open.ts");
    const { startExecutive } = await import("../../server/executive.ts");
    const { createGroupObserver, createRefusalObserver } = await import("../../server/executive-metrics.ts");
    const { createSizeWatch } = await import("../../server/size-watch/size-watch.ts");
    const logger = context.logger("executive", options.logLevel);
    const { clock } = context;
    const metrics = serviceMetrics(context, "executive");
    await using tracing = await tracingOf("ctlstore-executive", options, context, { logger, metrics });
    const { webhook } = options;
    const defaults = limitDefaultsOf(options);
    // Before the ctldb, so that it ends after it.
    await using sizes = createSizeWatch(
      { metrics, clock, logger },
      { webhook, executive: hostname(), isExpected: defaults.table !== null },
    );
    const { requestMs, ...transport } = transportOf(options);
    const { originalSecrets, requireGrants, tableSizeIntervalMs: intervalMs } = options;
    await using ctldb = await openCtlDb(
      options.ctldb,
      { logger, clock },
      {
        onGroup: createGroupObserver(metrics),
        onRefused: createRefusalObserver(metrics),
        defaults,
        tableSizes: { intervalMs, onReport: sizes.onReport },
        requireGrants,
        originalSecrets,
      },
    );
    // Who sees it answer may stop it at once: a signal that comes before the wait below is for it too.
    context.stopSignal();
    const { adminToken, insecure, bind, destructiveSchemaChanges } = options;
    const executive = await startExecutive(
      { ctldb, logger, clock, metrics, ...tracerOf(tracing) },
      { bind, adminToken, insecure, destructiveSchemaChanges, limits: { requestMs }, ...transport },
    );
    context.onHangup(() => executive.reloadCertificates());
    context.note(`Executive listens on ${executive.url}`);
    await runUntilStopped(context, [{ name: "Executive", stop: () => executive.stop() }]);
  },
});
