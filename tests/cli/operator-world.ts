/** A real Executive on an embedded ctldb, and commands that are run against it in this process. */
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import type { CommandContext } from "../../cli/command.ts";
import { createStatusCommand } from "../../cli/commands/status.ts";
import { runCommandLine } from "../../cli/run.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { startExecutive } from "../../server/executive.ts";
import { TEST_ADMIN_TOKEN } from "../support/secrets.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { fakeContext } from "./fake-context.ts";

/** Nobody listens there, whatever runs on this machine. */
const NOWHERE = "http://127.0.0.1:1";
const STATUS = createStatusCommand({ executive: NOWHERE, reflector: NOWHERE, sidecar: NOWHERE });
const COMMANDS = ALL_COMMANDS.map((command) => (command.name === STATUS.name ? STATUS : command));

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly notes: string;
}

export interface OperatorWorld extends AsyncDisposable {
  readonly url: string;
  readonly folder: TempFolder;
  /** Runs a command as the admin; `given` replaces parts of its world. */
  run(args: readonly string[], given?: Partial<CommandContext>): Promise<Outcome>;
  /** The same with `--json`, which must go well. */
  json(args: readonly string[]): Promise<Record<string, unknown>>;
}

/** @param adminToken null: the Executive has none, and is open until there is an operator */
export async function openOperatorWorld(
  adminToken: string | null = TEST_ADMIN_TOKEN,
): Promise<OperatorWorld> {
  const folder = tempFolder("cli");
  const [logger, clock] = [silentLogger, systemClock];
  const ctldb = await openCtlDb(`sqlite:${folder.file("ctldb.db")}`, { logger, clock });
  const executive = await startExecutive(
    { ctldb, logger, clock, metrics: createMetrics() },
    { bind: "127.0.0.1:0", destructiveSchemaChanges: true, ...(adminToken === null ? {} : { adminToken }) },
  );
  const run: OperatorWorld["run"] = (args, given = {}) => {
    const token = { CTLSTORE_ADMIN_TOKEN: adminToken ?? undefined };
    return runAgainst(executive.url, args, { ...given, environment: { ...token, ...given.environment } });
  };
  return {
    url: executive.url,
    folder,
    run,
    json: async (args) => {
      const { code, out, notes } = await run([...args, "--json"]);
      if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${notes}`);
      return JSON.parse(out) as Record<string, unknown>;
    },
    async [Symbol.asyncDispose]() {
      await executive.stop();
      await ctldb[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

export async function runAgainst(
  url: string,
  args: readonly string[],
  given: Partial<CommandContext> = {},
): Promise<Outcome> {
  const environment = {
    CTLSTORE_EXECUTIVE: url,
    CTLSTORE_ADMIN_TOKEN: TEST_ADMIN_TOKEN,
    ...given.environment,
  };
  const context = fakeContext({ ...given, environment });
  const code = await runCommandLine(args, context, { commands: COMMANDS, groups: GROUPS });
  return { code, out: context.outLines.join("\n"), notes: context.noteLines.join("\n") };
}

export const CREATE_TABLE = [
  "create-table",
  "shop/item",
  "--field",
  "id:integer",
  "--field",
  "label:string",
  "--key",
  "id",
];

/** With family `shop` and table `item`. */
export async function openShop(): Promise<OperatorWorld> {
  const world = await openOperatorWorld();
  await world.json(["create-family", "shop"]);
  await world.json(CREATE_TABLE);
  return world;
}
