/** `ctlstore dev`: everything in one process on embedded storage; with `--demo`, what `npm start` runs. */
import { join } from "node:path";
import { type CommandContext, command } from "../command.ts";
import type { Stack } from "../dev/stack.ts";
import { option, switchOption } from "../options.ts";
import { integer, text } from "../parsers.ts";
import { runUntilStopped, stopAll } from "../service.ts";
import { DEFAULT_SIDECAR_PORT } from "../sidecar-options.ts";

const port = (flag: string, name: string, fallback: number) =>
  option({
    flag,
    placeholder: "PORT",
    help: `where the ${name} listens on 127.0.0.1; a free one when it is taken`,
    parse: integer({ min: 0, max: 65_535 }),
    fallback,
  });

const DEFAULT_EXECUTIVE_PORT = 3000;
const DEMO_SECRET_FILE = "mime-loader-secret";

export const devCommand = command({
  name: "dev",
  summary: "run everything in one process on embedded storage, to try and to develop against",
  details:
    "Executive, heartbeat, Reflector, Supervisor and sidecar, with all data in one folder. With --demo it loads the\n" +
    "registry of MIME types and reads it back; started again it resumes. It listens on this machine only.",
  options: {
    data: option({
      flag: "data",
      placeholder: "DIR",
      help: "folder of all data",
      parse: text,
      fallback: "data",
    }),
    executivePort: port("executive-port", "Executive", DEFAULT_EXECUTIVE_PORT),
    reflectorPort: port("reflector-port", "Reflector", 3001),
    sidecarPort: port("sidecar-port", "sidecar", DEFAULT_SIDECAR_PORT),
    demo: switchOption({ flag: "demo", help: "load the demonstration's data and read it back" }),
    once: switchOption({ flag: "once", help: "stop when all is up, and the demonstration done" }),
  },
  examples: ["dev", "dev --demo --once --data ./try", "dev --executive-port 8080"],
  async run(context, options) {
    const { startStack } = await import("../dev/stack.ts");
    const signal = context.stopSignal();
    const { clock, random } = context;
    // Several services share one terminal: what each says about its life is for the log level "info" to ask for.
    const level = options.logLevel === "info" ? "warn" : options.logLevel;
    const logger = (component: string) => context.logger(component, level);
    const { data: dataFolder, executivePort, reflectorPort, sidecarPort } = options;
    const stack = await startStack(
      { clock, random, logger, note: context.note },
      { dataFolder, executivePort, reflectorPort, sidecarPort },
    );
    for (const line of whereLines(dataFolder, stack)) context.out(line);
    if (options.demo) await demonstrate(context, stack, dataFolder, signal);
    if (options.once || signal.aborted) return stopAll(stack.services);
    for (const line of nextLines(dataFolder, stack, options.demo)) context.out(line);
    await runUntilStopped(context, stack.services);
  },
});

async function demonstrate(
  { clock, random, out, interactive }: CommandContext,
  stack: Stack,
  dataFolder: string,
  signal: AbortSignal,
): Promise<void> {
  const { runDemo } = await import("../demo/run.ts");
  out("");
  try {
    await runDemo(
      { clock, random, out, interactive, signal },
      { ...stack, secretPath: join(dataFolder, DEMO_SECRET_FILE) },
    );
  } catch (error) {
    if (signal.aborted) return; // asked to stop in the middle: the next start takes up from there
    await stopAll(stack.services);
    throw error;
  }
}

function whereLines(dataFolder: string, stack: Stack): string[] {
  return [
    `ctlstore is up, with its data in ${dataFolder}`,
    `  Executive    ${stack.executiveUrl}  (writes; its API: ${stack.executiveUrl}/openapi)`,
    `  Reflector    ${stack.reflectorUrl}/status  (also /healthz, /readyz, /metrics)`,
    `  sidecar      ${stack.sidecarUrl}  (reads over HTTP, for any language)`,
    `  LDB          ${join(stack.ldbFolder, "ldb.db")}  (reads, a plain SQLite file)`,
    `  snapshots    ${stack.snapshotsFolder}  (a fresh LDB starts from the newest one)`,
    `  admin token  ${stack.adminToken}  (kept in ${stack.adminTokenPath})`,
  ];
}

/** Three commands that work when they are pasted into another terminal in the same folder. */
function nextLines(dataFolder: string, stack: Stack, demo: boolean): string[] {
  const isDefault = new URL(stack.executiveUrl).port === String(DEFAULT_EXECUTIVE_PORT);
  const executive = isDefault ? "" : ` --executive ${stack.executiveUrl}`;
  const admin = `${executive} --admin-token ${shellWord(`@${stack.adminTokenPath}`)}`;
  const ldb = ` --ldb ${shellWord(stack.ldbFolder)}`;
  const secret = shellWord(`@${join(dataFolder, DEMO_SECRET_FILE)}`);
  const writer = `${executive} --writer mime-loader --secret ${secret}`;
  const commands = demo
    ? [
        `read mime/extensions svg --prefix${ldb}`,
        `mutate mime/types '{"type":"text/x-mine","source":"me"}'${writer}`,
        `read mime/types text/x-mine${ldb}`,
      ]
    : [
        `create-family shop${admin}`,
        `create-table shop/prices --field sku:string --field price:decimal --key sku${admin}`,
        `status${admin}${ldb}`,
      ];
  return ["", "Try next:", ...commands.map((line) => `  npx ctlstore ${line}`), "", "Ctrl-C stops."];
}

/** The text as one word of a shell. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
