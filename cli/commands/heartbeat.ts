/** `ctlstore heartbeat`: writes one row again and again, so that an idle ledger can be told from a lost one. */
import { command } from "../command.ts";
import { EXECUTIVE_OPTIONS, reachExecutive, sentBy } from "../executive-options.ts";
import { option } from "../options.ts";
import { integer, text } from "../parsers.ts";
import { runUntilStopped } from "../service.ts";
import { serviceMetrics } from "../service-metrics.ts";
import { optionalAdminTokenOption, secretOption, statusBindOption } from "../shared-options.ts";
import { TRACING_OPTIONS, tracerOf, tracingOf } from "../tracing-options.ts";
import { TLS_OPTIONS, tlsOf } from "../transport-options.ts";

export const heartbeatCommand = command({
  name: "heartbeat",
  summary: "write one row every few seconds, so that staleness can be measured while nobody else writes",
  details: "With the admin token it makes its family, table and writer where they are missing.",
  options: {
    ...EXECUTIVE_OPTIONS,
    adminToken: optionalAdminTokenOption,
    writer: option({
      flag: "writer",
      placeholder: "NAME",
      help: "name of its writer",
      parse: text,
      fallback: "heartbeat",
    }),
    secret: secretOption,
    family: option({
      flag: "family",
      placeholder: "FAMILY",
      help: "family of its table",
      parse: text,
      fallback: "ctlstore",
    }),
    table: option({
      flag: "table",
      placeholder: "TABLE",
      help: "its table",
      parse: text,
      fallback: "heartbeats",
    }),
    intervalMs: option({
      flag: "interval-ms",
      placeholder: "MS",
      help: "time between two beats",
      parse: integer({ min: 10, max: 3_600_000 }),
      fallback: 5_000,
    }),
    ...TRACING_OPTIONS,
    bind: statusBindOption,
    ...TLS_OPTIONS,
  },
  examples: [
    "heartbeat --secret @heartbeat-secret --admin-token @data/admin-token",
    "heartbeat --executive http://executive:3000 --secret @heartbeat-secret --bind 127.0.0.1:3003",
  ],
  async run(context, options) {
    context.stopSignal(); // also a signal that comes before the wait below is for it
    const { startHeartbeat } = await import("../../heartbeat/start.ts");
    const { serveHeartbeat } = await import("../../heartbeat/status.ts");
    const { executive, adminToken, writer, secret, family, table, intervalMs, bind, logLevel } = options;
    const { clock, random } = context;
    const logger = context.logger("heartbeat", logLevel);
    const metrics = serviceMetrics(context, "heartbeat");
    await using tracing = await tracingOf("ctlstore-heartbeat", options, context, { logger, metrics });
    const way = await reachExecutive(options, logger);
    const heartbeat = startHeartbeat(
      { logger, clock, random, metrics, ...sentBy(way), ...tracerOf(tracing) },
      {
        url: way.url,
        writer,
        secret,
        family,
        table,
        intervalMs,
        ...(adminToken === undefined ? {} : { adminToken }),
      },
    );
    const beating = { name: "heartbeat", stop: () => heartbeat.stop() };
    const endpoint =
      bind === undefined
        ? null
        : await serveHeartbeat(heartbeat, { metrics, logger }, { bind, ...tlsOf(options) }).catch(
            async (error) => {
              await heartbeat.stop();
              throw error;
            },
          );
    const where = endpoint === null ? "" : `, status on ${endpoint.url}/status`;
    context.note(`Heartbeat writes ${family}/${table} through ${executive}${where}`);
    const answering = endpoint === null ? [] : [{ name: "status", stop: () => endpoint.stop() }];
    await runUntilStopped(context, [beating, ...answering]);
  },
});
