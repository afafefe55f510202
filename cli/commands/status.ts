/** `ctlstore status`: one page for people about every part of the system that can be reached from here. */
import { STATUS_LIMITS } from "../../core/limits.ts";
import type { Reach } from "../../core/process/fetch/reach.ts";
import { type Command, type CommandContext, command } from "../command.ts";
import { EXECUTIVE_FILE_OPTIONS, reachExecutive } from "../executive-options.ts";
import { CommandFailure } from "../failure.ts";
import { NEAR_PERCENT } from "../limits-answer.ts";
import { listOption, type OptionValues, option } from "../options.ts";
import { executiveAddress, integer, snapshotStoreUrl, text } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { jsonOption, optionalAdminTokenOption } from "../shared-options.ts";
import type { Target } from "../status/ask.ts";
import type { StatusLook, StatusTargets } from "../status/look.ts";
import { pageJson, pageLines, problemLines, verdict } from "../status/page.ts";

/** Where parts are looked for that nobody named. */
export interface UsualPlaces {
  readonly executive: string;
  readonly reflector: string;
  readonly sidecar: string;
}

const USUAL_PLACES: UsualPlaces = {
  executive: "http://127.0.0.1:3000",
  reflector: "http://127.0.0.1:3001",
  sidecar: "http://127.0.0.1:1331",
};

const service = (flag: string, help: string) =>
  listOption({ flag, placeholder: "URL", help, parse: executiveAddress });

const optionsOf = (usual: UsualPlaces) => ({
  executive: option<string, undefined>({
    flag: "executive",
    placeholder: "URL",
    help: `where the Executive listens: http://…, https://… or unix:PATH; ${usual.executive} unless given`,
    parse: executiveAddress,
    fallback: undefined,
  }),
  ...EXECUTIVE_FILE_OPTIONS,
  adminToken: optionalAdminTokenOption,
  reflector: service(
    "reflector",
    `a Reflector's --bind; unless given, ${usual.reflector} if somebody answers there`,
  ),
  sidecar: service("sidecar", `a sidecar; unless given, ${usual.sidecar} if somebody answers there`),
  supervisor: service("supervisor", "a Supervisor's --bind"),
  loader: service("loader", "a loader's --bind"),
  heartbeat: service("heartbeat", "a heartbeat's --bind"),
  ldb: option<string, undefined>({
    flag: "ldb",
    placeholder: "DIR",
    help: "also this local database",
    parse: text,
    fallback: undefined,
  }),
  snapshots: option<string, undefined>({
    flag: "snapshots",
    placeholder: "URL",
    help: "also this store of snapshots: file:///FOLDER or s3://BUCKET/PREFIX?…",
    parse: snapshotStoreUrl,
    secret: true,
    fallback: undefined,
  }),
  timeout: option({
    flag: "timeout",
    placeholder: "SECONDS",
    help: "how long each part has for its answer",
    parse: integer({ min: 1, max: 60 }),
    fallback: STATUS_LIMITS.timeoutSeconds,
  }),
  watch: option<number, undefined>({
    flag: "watch",
    placeholder: "SECONDS",
    help: "show it anew every so many seconds, until it is stopped",
    parse: integer({ min: 1, max: 3_600 }),
    fallback: undefined,
  }),
  json: jsonOption,
});

type Values = OptionValues<ReturnType<typeof optionsOf>>;

/** @param usual others than the usual ones are for tests, whose machine may run a ctlstore */
export function createStatusCommand(usual: UsualPlaces = USUAL_PLACES): Command {
  return command({
    name: "status",
    summary:
      "print on one page how the system stands: every part that can be reached, how far it is, and what is wrong",
    details:
      "ENTRY AGE is that of the newest ledger entry that a part has, POLL AGE the time since the ledger last answered it, BEHIND the entries that it lacks.\n" +
      `It also names writers and tables that have used ${NEAR_PERCENT} % of a limit, or more.\n` +
      "Certificates and authorities of --executive-… serve for every https:// address.\n" +
      "Exits 0 when all is well (`ok`, `note`), 1 when a part is not (`BAD`), when one that was named cannot be reached, or when nothing can. With --watch it exits 0 when it is stopped.",
    options: optionsOf(usual),
    examples: [
      "status --admin-token @data/admin-token --ldb data/ldb",
      "status --executive https://executive:3000 --admin-token @token --reflector http://host-1:3001 --reflector http://host-2:3001",
      "status --supervisor http://supervisor:3002 --snapshots s3://bucket/prefix --watch 2",
      "status --json",
    ],
    async run(context, options) {
      // Only who waits takes over the signals: everybody else ends at once.
      const signal = options.watch === undefined ? new AbortController().signal : context.stopSignal();
      const targets = await targetsOf(options, usual, signal);
      const { lookAround } = await import("../status/look.ts");
      const look = () => lookAround(context.clock, targets, { timeoutSeconds: options.timeout, signal });
      if (options.watch !== undefined)
        return watch(context, look, { everySeconds: options.watch, signal, json: options.json });
      const found = await look();
      if (options.json) context.out(jsonText(pageJson(found)));
      else for (const line of pageLines(found)) context.out(line);
      if (!found.well) throw new CommandFailure([verdict(found), ...problemLines(found)].join("\n"));
    },
  });
}

export const statusCommand = createStatusCommand();

async function targetsOf(options: Values, usual: UsualPlaces, signal: AbortSignal): Promise<StatusTargets> {
  const { executiveCa, executiveCert, executiveKey, adminToken, ldb, snapshots } = options;
  const files = { executiveCa, executiveCert, executiveKey };
  const wayTo = (address: string): Promise<Reach> =>
    // The files are of no use without TLS.
    reachExecutive({ executive: address, ...(address.startsWith("https:") ? files : NO_FILES) });
  const targets = (given: readonly string[], place: string | null): Promise<Target[]> => {
    const addresses = given.length > 0 || place === null ? given : [place];
    return Promise.all(
      addresses.map(async (address) => ({ address, way: await wayTo(address), isNamed: given.length > 0 })),
    );
  };
  const address = options.executive ?? usual.executive;
  const { createClient } = await import("../../client/index.ts");
  const { fetchWithin } = await import("../status/ask.ts");
  const way = await reachExecutive({ executive: address, ...files });
  const client = createClient(way.url, {
    ...(adminToken === undefined ? {} : { adminToken }),
    fetch: fetchWithin(way.fetch ?? fetch, { timeoutSeconds: options.timeout, signal }),
  });
  return {
    executive: { address, client, isNamed: options.executive !== undefined },
    reflectors: await targets(options.reflector, usual.reflector),
    sidecars: await targets(options.sidecar, usual.sidecar),
    supervisors: await targets(options.supervisor, null),
    loaders: await targets(options.loader, null),
    heartbeats: await targets(options.heartbeat, null),
    ldb,
    snapshots,
  };
}

const NO_FILES = { executiveCa: undefined, executiveCert: undefined, executiveKey: undefined };

interface Watching {
  readonly everySeconds: number;
  readonly signal: AbortSignal;
  readonly json: boolean;
}

async function watch(
  context: CommandContext,
  look: () => Promise<StatusLook>,
  { everySeconds, signal, json }: Watching,
): Promise<void> {
  for (let shown = 0; !signal.aborted; shown++) {
    const found = await look();
    if (signal.aborted) return;
    if (json) context.out(jsonText(pageJson(found)));
    else showAnew(context, found, { everySeconds, isFirst: shown === 0 });
    await context.clock.sleep(1000 * everySeconds, signal).catch(() => {});
  }
}

const [HOME, CLEAR_SCREEN, CLEAR_LINE, CLEAR_BELOW] = ["\u001b[H", "\u001b[2J", "\u001b[K", "\u001b[J"];

/** On a terminal in place of what was there; elsewhere below it. */
function showAnew(
  context: CommandContext,
  found: StatusLook,
  { everySeconds, isFirst }: { readonly everySeconds: number; readonly isFirst: boolean },
): void {
  const time = new Date(context.clock.nowUs() / 1000).toISOString();
  const page = [
    `ctlstore status at ${time}, every ${everySeconds} s`,
    "",
    ...pageLines(found),
    "",
    found.well ? "all is well" : verdict(found),
    ...problemLines(found),
  ];
  if (!context.interactive) {
    for (const line of [...page, ""]) context.out(line);
    return;
  }
  const lines = page.map((line) => `${line}${CLEAR_LINE}`);
  context.out(`${isFirst ? CLEAR_SCREEN : ""}${HOME}${lines.join("\n")}${CLEAR_BELOW}`);
}
