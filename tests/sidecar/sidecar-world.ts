/** A sidecar on a free port, over an LDB that a test writes. */
import { systemClock } from "../../core/process/clock.ts";
import { type Logger, silentLogger } from "../../core/process/logger.ts";
import { createMetrics, type Metrics } from "../../core/process/metrics.ts";
import type { SidecarOptions } from "../../sidecar/options.ts";
import { type RunningSidecar, startSidecar } from "../../sidecar/sidecar.ts";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleFolder } from "../reader/suite/sample-ldb.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body; integers beyond 2^53 are rounded, so look at `text` for those. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is compared, not typed
  readonly json: any;
  readonly code: string | undefined;
}

export class SidecarWorld implements AsyncDisposable {
  readonly folder = new SampleFolder(bunEnvironment);
  readonly metrics: Metrics = createMetrics();
  readonly #logger: Logger;
  #sidecar: RunningSidecar | null = null;

  constructor(logger: Logger = silentLogger) {
    this.#logger = logger;
  }

  get sidecar(): RunningSidecar {
    if (this.#sidecar === null) throw new Error("the sidecar was not started");
    return this.#sidecar;
  }

  get url(): string {
    return this.sidecar.urls[0] ?? "";
  }

  async start(options: Partial<SidecarOptions> = {}): Promise<this> {
    this.#sidecar = await startSidecar(
      { clock: systemClock, logger: this.#logger, metrics: this.metrics },
      { ldb: this.folder.path, binds: ["127.0.0.1:0"], ...options },
    );
    return this;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send("GET", path, { headers });
  }

  /** @param body text as it is, anything else as JSON */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    return this.send("POST", path, { body: text as string, headers });
  }

  async send(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, { method, ...init });
    const text = await response.text();
    const json = text === "" ? undefined : parsed(text);
    return { status: response.status, headers: response.headers, text, json, code: json?.error?.code };
  }

  /** The value of a line of the metrics, by name and labels as they stand there. */
  async metric(line: string): Promise<number> {
    const text = await this.metrics.render();
    const found = text.split("\n").find((one) => one.startsWith(`${line} `));
    return found === undefined ? Number.NaN : Number(found.slice(line.length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sidecar?.stop();
    this.folder[Symbol.dispose]();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // metrics are text
  }
}

/** A key as a body has it. */
export function keyBody(...values: unknown[]): { key: { value: unknown }[] } {
  return { key: values.map((value) => ({ value })) };
}
