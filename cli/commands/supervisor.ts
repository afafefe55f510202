/** `ctlstore supervisor`: makes snapshots of an LDB of its own, which a Reflector in the same process keeps up to date. */
import { CtlstoreError } from "../../core/errors.ts";
import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import type { Compression } from "../../snapshot/layout.ts";
import type { SupervisorDeps, SupervisorOptions } from "../../snapshot/supervisor/options.ts";
import { type CommandContext, type CommonValues, command } from "../command.ts";
import { followReflector } from "../followed-reflector.ts";
import { option, switchOption } from "../options.ts";
import { choice, duration, durationForm, integer, objectKey } from "../parsers.ts";
import { runUntilStopped, stopAll } from "../service.ts";
import { serviceMetrics } from "../service-metrics.ts";
import { ctldbOption, ldbOption, pollIntervalOption, statusBindOption } from "../shared-options.ts";
import { RETENTION_OPTIONS, snapshotsOption } from "../snapshot-options.ts";
import { TLS_OPTIONS, tlsOf } from "../transport-options.ts";

const { intervalMs, compressionLevels } = SNAPSHOT_LIMITS;
const COMPRESSIONS: readonly Compression[] = ["zstd", "gzip"];

export const supervisorCommand = command({
  name: "supervisor",
  summary: "run the Supervisor: publishes snapshots that fresh hosts start from",
  details:
    "It has a local database of its own, kept by a Reflector in the same process: give it a folder that no other " +
    "Reflector uses. With an empty folder it starts from the newest snapshot itself, like any host.\n\n" +
    "Applying goes on while a snapshot is made. Nothing is published, and /status says why, while the Reflector is " +
    "stuck or has diverged, while the database is empty or passed over entries, and into the store of another ctldb. " +
    "Two Supervisors may share a store: the newest snapshot never becomes an older one.",
  options: {
    ctldb: ctldbOption,
    ldb: ldbOption,
    snapshots: snapshotsOption,
    interval: option({
      flag: "interval",
      placeholder: "TIME",
      help: "from one snapshot to the next, such as 90s or 5m",
      parse: duration(intervalMs),
      fallback: intervalMs.default,
      fallbackText: durationForm(intervalMs.default),
    }),
    ...RETENTION_OPTIONS,
    compression: option({
      flag: "compression",
      placeholder: "KIND",
      help: `of the snapshot's data: ${COMPRESSIONS.join(" or ")}`,
      parse: choice(COMPRESSIONS),
      fallback: "zstd" as Compression,
    }),
    compressionLevel: option({
      flag: "compression-level",
      placeholder: "N",
      help: `1 is fastest; without it ${compressionLevels.zstd.default} for zstd (to ${compressionLevels.zstd.max}), ${compressionLevels.gzip.default} for gzip (to ${compressionLevels.gzip.max})`,
      parse: integer(compressionLevels.zstd),
      fallback: undefined,
    }),
    legacyKey: option({
      flag: "legacy-key",
      placeholder: "KEY",
      help: "also keep this key as the original ctlstore does (from the bucket's root; gzipped if it ends in .gz)",
      parse: objectKey,
      fallback: undefined,
    }),
    newEpoch: switchOption({
      flag: "new-epoch",
      help: "once, let a snapshot of another ctldb, or of another history of it, take the place of the newest one",
    }),
    allowSkips: switchOption({
      flag: "allow-skips",
      help: "publish although ledger entries were passed over (`ctlstore ldb skip`)",
    }),
    bind: statusBindOption,
    ...TLS_OPTIONS,
    pollIntervalMs: pollIntervalOption,
    once: switchOption({
      flag: "once",
      help: "publish one snapshot when the local database is current, and end; exits 0 also when nothing was new",
    }),
  },
  examples: [
    "supervisor --ctldb sqlite:ctldb.db --ldb ./supervisor-ldb --snapshots file:///var/lib/ctlstore/snapshots",
    "supervisor --ctldb @/etc/ctlstore/ctldb-url --ldb /var/lib/ctlstore/supervisor --snapshots s3://bucket/prefix?region=us-east-1 --interval 10m",
    "supervisor --ctldb sqlite:ctldb.db --ldb ./supervisor-ldb --snapshots s3://bucket/prefix --once",
  ],
  async run(context, options) {
    checkLevel(options.compression, options.compressionLevel);
    // From now on a stop that is asked for ends what has been started by then.
    context.stopSignal();
    const { openSnapshotStore } = await import("../../snapshot/stores/open.ts");
    const { checkLegacyKey, legacyStoreUrl } = await import("../../snapshot/publish/legacy.ts");
    const { clock } = context;
    if (options.legacyKey !== undefined) checkLegacyKey(options.snapshots, options.legacyKey);
    await using store = await openSnapshotStore(options.snapshots, { clock });
    // Opened also without a key: it costs nothing before it is used.
    await using bucket = await openSnapshotStore(legacyStoreUrl(options.snapshots), { clock });
    const legacy = options.legacyKey === undefined ? null : { store: bucket, key: options.legacyKey };
    const reflector = await startInnerReflector(context, options);
    const deps: SupervisorDeps = {
      followed: followReflector(reflector),
      store,
      legacy,
      logger: context.logger("supervisor", options.logLevel),
      clock,
      metrics: reflector.metrics,
      random: context.random,
    };
    const settings: SupervisorOptions = {
      ldbFolder: options.ldb,
      intervalMs: options.interval,
      retention: { keep: options.keep, keepForMs: options.keepFor },
      compression: options.compression,
      newEpoch: options.newEpoch,
      allowSkips: options.allowSkips,
      ...(options.compressionLevel === undefined ? {} : { compressionLevel: options.compressionLevel }),
      ...(options.bind === undefined ? {} : { bind: options.bind, ...tlsOf(options) }),
    };
    const service = { name: "Reflector", done: reflector.done, stop: () => reflector.stop() };
    if (options.once) return once(context, deps, settings, service);
    await serve(context, deps, settings, service);
  },
});

type Service = Parameters<typeof stopAll>[0][number];

async function startInnerReflector(context: CommandContext, options: InnerOptions) {
  const { openLedgerSource } = await import("../../ctldb/open.ts");
  const { startReflector } = await import("../../reflector/start.ts");
  const { clock, random } = context;
  const logger = context.logger("reflector", options.logLevel);
  const metrics = serviceMetrics(context, "supervisor");
  const source = openLedgerSource(options.ctldb, { logger, clock });
  const reflector = await startReflector(
    { source, logger, clock, random, metrics },
    {
      ldbFolder: options.ldb,
      pollIntervalMs: options.pollIntervalMs,
      // One process, not a fleet.
      bootstrap: { url: options.snapshots, jitterMs: 0 },
    },
  );
  return { ...reflector, metrics };
}

interface InnerOptions extends CommonValues {
  readonly ctldb: string;
  readonly ldb: string;
  readonly snapshots: string;
  readonly pollIntervalMs: number;
}

async function serve(
  context: CommandContext,
  deps: SupervisorDeps,
  settings: SupervisorOptions,
  reflector: Service,
): Promise<void> {
  const { startSupervisor } = await import("../../snapshot/supervisor/start.ts");
  const supervisor = await startOr(() => startSupervisor(deps, settings), reflector);
  const where = supervisor.url === null ? "" : `, status on ${supervisor.url}/status`;
  context.note(`Supervisor publishes to ${deps.store.url}${where}`);
  await runUntilStopped(context, [
    reflector,
    { name: "Supervisor", done: supervisor.done, stop: () => supervisor.stop() },
  ]);
}

/** A taken port must not leave the Reflector running. */
async function startOr<T>(start: () => Promise<T>, reflector: Service): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await stopAll([reflector]).catch(() => {});
    throw error;
  }
}

async function once(
  context: CommandContext,
  deps: SupervisorDeps,
  settings: SupervisorOptions,
  reflector: Service,
): Promise<void> {
  const { superviseOnce } = await import("../../snapshot/supervisor/start.ts");
  const stopping = new AbortController();
  const stop = (reason: unknown) => stopping.abort(reason);
  const signal = AbortSignal.any([context.stopSignal(), stopping.signal]);
  reflector.done?.catch(stop);
  try {
    const outcome = await superviseOnce(deps, settings, signal);
    const { sequence } = outcome.kind === "published" ? outcome.publication.entry : outcome.latest;
    const what = outcome.kind === "published" ? "published" : "nothing new: the store has";
    context.out(`${what} the snapshot of sequence ${sequence}`);
  } finally {
    await stopAll([reflector]);
  }
}

function checkLevel(compression: Compression, level: number | undefined): void {
  const { max } = compressionLevels[compression];
  if (level === undefined || level <= max) return;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot use ${level} for --compression-level: ${compression} has levels up to ${max}`,
  );
}
