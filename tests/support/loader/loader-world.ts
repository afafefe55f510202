/** What a loader needs around it, as real processes: Kafka's protocol, an Executive with its ctldb; and the loader itself. */
import { writeFileSync } from "node:fs";
import { type Client, createClient } from "../../../client/index.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { type KafkaCluster, startKafka } from "../kafka/cluster.ts";
import { runProcess, startProcess, type TestProcess } from "../process.ts";
import { testSecret } from "../secrets.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess, startExecutiveService } from "../services.ts";
import { type TempFolder, tempFolder } from "../temp-folder.ts";
import { loaderCommand } from "./loader-command.ts";

export interface LoaderProcess extends AsyncDisposable {
  readonly process: TestProcess;
  /** Of /status, /healthz, /readyz and /metrics; waits until it is known. */
  url(): Promise<string>;
}

/** An Executive that comes back at the same address after a kill. */
export class LastingExecutive implements AsyncDisposable {
  readonly #ctldbUrl: string;
  #service: ServiceProcess | null = null;
  #url = "";

  constructor(ctldbUrl: string) {
    this.#ctldbUrl = ctldbUrl;
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    const port = this.#url === "" ? 0 : Number(new URL(this.#url).port);
    this.#service = await startExecutiveService(this.#ctldbUrl, [], port);
    this.#url = this.#service.url;
  }

  async kill(): Promise<void> {
    await this.#service?.process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

export interface LoaderWorldOptions {
  /** An empty ctldb; a file in the world's folder when absent. */
  readonly ctldbUrl?: string;
  readonly brokers?: number;
}

export class LoaderWorld implements AsyncDisposable {
  readonly kafka: KafkaCluster;
  readonly folder: TempFolder;
  readonly ctldbUrl: string;
  readonly executive: LastingExecutive;
  #mappings = 0;

  private constructor(parts: Pick<LoaderWorld, "kafka" | "folder" | "ctldbUrl" | "executive">) {
    this.kafka = parts.kafka;
    this.folder = parts.folder;
    this.ctldbUrl = parts.ctldbUrl;
    this.executive = parts.executive;
  }

  static async start(options: LoaderWorldOptions = {}): Promise<LoaderWorld> {
    const folder = tempFolder("loader");
    const ctldbUrl = options.ctldbUrl ?? `sqlite:${folder.file("ctldb.db")}`;
    const executive = new LastingExecutive(ctldbUrl);
    const [kafka] = await Promise.all([startKafka({ brokers: options.brokers ?? 1 }), executive.start()]);
    return new LoaderWorld({ kafka, folder, ctldbUrl, executive });
  }

  /** The file of an embedded ctldb. */
  get ctldbPath(): string {
    return this.ctldbUrl.replace(/^sqlite:/, "");
  }

  get client(): Client {
    return createClient(this.executive.url, { adminToken: SERVICE_ADMIN_TOKEN });
  }

  /** Writes a mapping file, and returns its path. */
  mapping(document: object): string {
    this.#mappings += 1;
    const path = this.folder.file(`mapping-${this.#mappings}.json`);
    writeFileSync(path, JSON.stringify(document, null, 2));
    return path;
  }

  async produce(records: readonly KafkaRecord[]): Promise<void> {
    await this.kafka.produce(
      records.map(({ headers, timestampMs, topic, partition, key, value }) => ({
        topic,
        partition,
        key,
        value,
        headers: Object.fromEntries(headers),
        ...(timestampMs === null ? {} : { timestampMs }),
      })),
    );
  }

  /** The flags that every command of this world's loader has; its secrets are in the environment. */
  flags(mapping: string): string[] {
    return [
      ...["--brokers", this.kafka.brokers, "--mapping", mapping, "--executive", this.executive.url],
      ...["--kafka-setting", "fetch.wait.max.ms=20"],
    ];
  }

  /** Starts `ctlstore loader` with a status endpoint on a free port. */
  async startLoader(mapping: string, flags: readonly string[] = []): Promise<LoaderProcess> {
    const args = ["loader", ...this.flags(mapping), ...QUICK_GROUP, "--bind", "127.0.0.1:0", ...flags];
    const process = startProcess(await loaderCommand(args), { env: LOADER_ENVIRONMENT });
    return {
      process,
      url: async () => (await process.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/))[0],
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  }

  /** Runs `ctlstore loader --once` to its end. */
  async loadOnce(mapping: string, flags: readonly string[] = []): ReturnType<typeof runProcess> {
    return runProcess(await loaderCommand(["loader", ...this.flags(mapping), "--once", ...flags]), {
      env: LOADER_ENVIRONMENT,
    });
  }

  /** Runs a command of the loader's command line. */
  async run(...args: readonly string[]): ReturnType<typeof runProcess> {
    return runProcess(await loaderCommand(args), { env: LOADER_ENVIRONMENT });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kafka.stop();
    await this.executive.kill();
    this.folder[Symbol.dispose]();
  }
}

/**
 * The brokers of the tests make whoever joins a group that has had members wait for nearly the session's time, also when
 * they have left it as they should.
 */
const QUICK_GROUP = ["session.timeout.ms=1500", "heartbeat.interval.ms=300"].flatMap((setting) => [
  "--kafka-setting",
  setting,
]);

/** What every command of a loader needs in its environment. */
export const LOADER_ENVIRONMENT = {
  CTLSTORE_LOG_LEVEL: "info",
  CTLSTORE_SECRET: testSecret("loader"),
  CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN,
};
