/** `ctlstore sidecar`: reads of the local database over HTTP. */
import { command } from "../command.ts";
import { runUntilStopped } from "../service.ts";
import { serviceMetrics } from "../service-metrics.ts";
import { SIDECAR_OPTIONS, sidecarOptionsOf } from "../sidecar-options.ts";

export const sidecarCommand = command({
  name: "sidecar",
  summary: "run the sidecar: reads of the local database over HTTP, for any language",
  details:
    "It needs to read the files of the local database, and nothing else: it starts before they are there, and answers while everything else is away.\n" +
    "Whoever can connect can read all data; so it listens on this machine only, unless told. Web pages are refused.",
  options: SIDECAR_OPTIONS,
  examples: [
    "sidecar",
    "sidecar --ldb ./data/ldb --bind 127.0.0.1:1331 --socket /run/ctlstore/sidecar.sock",
    "sidecar --bind unix:/run/ctlstore/sidecar.sock --max-rows 10000",
    "sidecar --bind 0.0.0.0:1331 --tls-cert server.pem --tls-key server.key --tls-client-ca clients.pem",
  ],
  async run(context, options) {
    // Who sees it answer may stop it at once: a signal that comes before the wait below is for it too.
    context.stopSignal();
    const { startSidecar } = await import("../../sidecar/sidecar.ts");
    const logger = context.logger("sidecar", options.logLevel);
    const metrics = serviceMetrics(context, "sidecar");
    const sidecar = await startSidecar({ clock: context.clock, logger, metrics }, sidecarOptionsOf(options));
    context.onHangup(() => sidecar.reloadCertificates());
    context.note(`sidecar reads ${options.ldb}, listens on ${sidecar.urls.join(" and ")}`);
    await runUntilStopped(context, [{ name: "sidecar", stop: () => sidecar.stop() }]);
  },
});
