/** `ctlstore heartbeat`: writes one row again and again, so that an idle ledger can be told from a lost one. */
import { command } from "../command.ts";
import { EXECUTIVE_OPTIONS, reachExecutive, sentBy } from "../executive-options.ts";
import { option } from "../options.ts";
import { integer, text } from "../parsers.ts";
import { runUntilStopped } from "../service.ts";
import { optionalAdminTokenOption, secretOption } from "../shared-options.ts";

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
  },
  examples: ["heartbeat --secret @heartbeat-secret --admin-token @data/admin-token"],
  async run(context, options) {
    context.stopSignal(); // also a signal that comes before the wait below is for it
    const { startHeartbeat } = await import("../../heartbeat/start.ts");
    const { executive, adminToken, writer, secret, family, table, intervalMs, logLevel } = options;
    const { clock, random } = context;
    const logger = context.logger("heartbeat", logLevel);
    const way = await reachExecutive(options, logger);
    const heartbeat = startHeartbeat(
      { logger, clock, random, ...sentBy(way) },
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
    context.note(`Heartbeat writes ${family}/${table} through ${executive}`);
    await runUntilStopped(context, [{ name: "heartbeat", stop: () => heartbeat.stop() }]);
  },
});
