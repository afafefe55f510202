/** What the examples run against: an Executive, a Reflector that keeps a changelog, and a sidecar, as real processes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writer } from "../../client/index.ts";
import { runProcess, type TestProcess } from "../support/process.ts";
import {
  ctlstore,
  ROOT,
  SERVICE_ADMIN_TOKEN,
  type ServiceProcess,
  startCtlstore,
  startExecutiveService,
  startReflectorService,
} from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

export interface ExampleStack extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly executiveUrl: string;
  readonly ldbFolder: string;
  /** Where the sidecar listens: its address over TCP, and over a unix socket. */
  readonly sidecar: { readonly tcp: string; readonly unix: string };
  /** Writes a price and answers its sequence. */
  setPrice(region: string, sku: string, cents: number | bigint): Promise<string>;
}

/** Starts everything, and makes the tables as examples/setup.sh does. */
export async function startExampleStack(): Promise<ExampleStack> {
  const folder = tempFolder("examples");
  const ctldb = `sqlite:${folder.file("ctldb.db")}`;
  const ldbFolder = folder.file("ldb");
  const executive = await startExecutiveService(ctldb);
  const reflector = await startReflectorService(ctldb, ldbFolder, [
    "--poll-interval-ms",
    "20",
    "--changelog",
  ]);
  const socket = folder.file("sidecar.sock");
  const sidecar = startCtlstore(["sidecar", "--ldb", ldbFolder, "--bind", "127.0.0.1:0", "--socket", socket]);
  const [tcp] = await sidecar.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/);
  const writer = await setUp(folder, executive);
  return {
    folder,
    executiveUrl: executive.url,
    ldbFolder,
    sidecar: { tcp, unix: `unix:${socket}` },
    async setPrice(region, sku, cents) {
      const { sequence } = await writer.write([{ table: "prices", values: { region, sku, cents } }]);
      return String(sequence);
    },
    async [Symbol.asyncDispose]() {
      for (const part of [sidecar, reflector, executive] satisfies (TestProcess | ServiceProcess)[])
        await part[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

async function setUp(folder: TempFolder, executive: ServiceProcess): Promise<Writer> {
  // The script's command is one word or several, so a path with a space in it needs a program of its own.
  const command = folder.file("ctlstore");
  const words = ctlstore().map((word) => `'${word}'`);
  writeFileSync(command, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  const secretFile = folder.file("secret");
  const exit = await runProcess(["sh", join(ROOT, "examples", "setup.sh")], {
    env: {
      CTLSTORE: command,
      CTLSTORE_EXECUTIVE: executive.url,
      CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN,
      SECRET_FILE: secretFile,
    },
  });
  if (exit.code !== 0) throw new Error(`setup.sh failed:\n${exit.stdout}${exit.stderr}`);
  const secret = readFileSync(secretFile, "utf8").trim();
  return new Writer({ url: executive.url, writer: "examples", secret, family: "shop" });
}
