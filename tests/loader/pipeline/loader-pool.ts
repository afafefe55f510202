/** Loaders of one group that are killed, stopped in the middle and replaced while the others go on. */
import { Database } from "bun:sqlite";
import type { LoaderProcess, LoaderWorld } from "../../support/loader/loader-world.ts";
import type { ProcessExit } from "../../support/process.ts";
import { until } from "../../support/until.ts";

export interface PoolOptions {
  readonly world: LoaderWorld;
  readonly mapping: string;
  readonly flags: readonly string[];
  readonly random: () => number;
}

export class LoaderPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  #running: LoaderProcess[] = [];
  /** Stopped in the middle of whatever they did; they go on later, when others have their partitions. */
  #frozen: LoaderProcess[] = [];
  kills = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Starts loaders until so many run. @throws Error when one has ended by itself, which none should */
  async fill(count: number): Promise<void> {
    for (const { process } of this.#running) {
      if (!process.running) throw new Error(`a loader ended by itself: ${await endOf(process)}`);
    }
    const { world, mapping, flags } = this.#options;
    while (this.#running.length < count) this.#running.push(await world.startLoader(mapping, flags));
  }

  /** SIGKILL to one of them. */
  async killOne(): Promise<void> {
    const [loader] = this.#running.splice(Math.floor(this.#options.random() * this.#running.length), 1);
    if (loader === undefined) return;
    await loader.process.kill();
    this.kills += 1;
  }

  async killAll(): Promise<void> {
    while (this.#running.length > 0) await this.killOne();
  }

  /** SIGSTOP to one of them: its partitions go to others, and it does not know. */
  freezeOne(): void {
    const loader = this.#running.shift();
    if (loader === undefined) return;
    loader.process.signal("SIGSTOP");
    this.#frozen.push(loader);
  }

  /** Lets the frozen ones go on, as zombies, among the others. */
  thaw(): void {
    for (const loader of this.#frozen) loader.process.signal("SIGCONT");
    this.#running.push(...this.#frozen.splice(0));
  }

  /** SIGTERM to all, and how each ended. */
  async stop(): Promise<readonly ProcessExit[]> {
    this.thaw();
    // Before it says where it answers, a process ends as any does at a signal.
    for (const loader of this.#running) await loader.url();
    for (const { process } of this.#running) process.signal("SIGTERM");
    return Promise.all(this.#running.splice(0).map(({ process }) => process.exited));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running, ...this.#frozen].map(({ process }) => process.kill()));
  }
}

async function endOf({ exited, stderr }: LoaderProcess["process"]): Promise<string> {
  return `${JSON.stringify(await exited)}\n${stderr.slice(-3_000)}`;
}

/** The ledger's newest sequence, read past the Executive, which may be dead. */
export function headOf(ctldbUrl: string): number {
  using database = new Database(ctldbUrl.replace("sqlite:", ""), { readonly: true });
  const row = database
    .query<{ head: number | null }, []>("SELECT MAX(seq) AS head FROM ctlstore_dml_ledger")
    .get();
  return row?.head ?? 0;
}

/** Waits until the ledger has grown by so many entries, or until it is plain that there is nothing more to load. */
export async function grown(ctldbUrl: string, entries: number, deadlineMs: number): Promise<boolean> {
  const target = headOf(ctldbUrl) + entries;
  const what = `the ledger to grow to ${target}`;
  return until(() => headOf(ctldbUrl) >= target, { what, deadlineMs }).then(
    () => true,
    () => false,
  );
}
