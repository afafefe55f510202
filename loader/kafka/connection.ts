/** Connecting a client of the cluster when it is first needed, and what its calls have in common. */
import { type CtlstoreError, messageOf } from "../../core/errors.ts";
import { KAFKA_LIMITS } from "../../core/limits.ts";
import { kindOf, toCtlstoreError } from "./kafka-errors.ts";
import type { NativeClient, NativeError } from "./native.ts";

/**
 * A client that is connected by the first call that needs it, and anew by the next one when that failed.
 *
 * Troubles are kept from the first attempt on: "all brokers are down" says less than what was heard before it.
 */
export class Connection<C extends NativeClient> {
  readonly #make: () => C;
  readonly #serve: (client: C) => Promise<void>;
  readonly #brokers: string;
  readonly #troubles = new Map<string, NativeError>();
  #connecting: Promise<C> | null = null;

  /** @param serve lets a client that is connecting say what it has heard: the addon says nothing by itself */
  constructor(make: () => C, serve: (client: C) => Promise<void>, brokers: string) {
    this.#make = make;
    this.#serve = serve;
    this.#brokers = brokers;
  }

  /** @throws CtlstoreError `kafka_unavailable`, `kafka_denied`, `config_invalid` */
  client(): Promise<C> {
    this.#connecting ??= this.#connect().catch((error: unknown) => {
      this.#connecting = null;
      throw error;
    });
    return this.#connecting;
  }

  /** The client if there is one already, without making one. */
  async existing(): Promise<C | null> {
    return this.#connecting === null ? null : this.#connecting.catch(() => null);
  }

  /** The next call makes another client: this one will not work again. */
  abandon(): void {
    this.#connecting = null;
  }

  noteTrouble(error: NativeError): void {
    if (this.#troubles.size < KAFKA_LIMITS.troubles) this.#troubles.set(error.message, error);
  }

  takeTroubles(): readonly string[] {
    const texts = [...this.#troubles.keys()];
    this.#troubles.clear();
    return texts;
  }

  async #connect(): Promise<C> {
    const client = this.#make();
    client.on("event.error", (error) => this.noteTrouble(error));
    client.on("event.log", ({ severity, message }) => {
      if (severity <= ERROR_SEVERITY) this.noteTrouble({ message: plain(message) });
    });
    this.#troubles.clear();
    const connected = new Promise<void>((resolve, reject) => {
      client.connect({ allTopics: false, timeout: KAFKA_LIMITS.connectMs }, (error) =>
        error ? reject(this.#describe(error)) : resolve(),
      );
    });
    await this.#serveUntil(connected, client);
    await connected;
    return client;
  }

  /** Ends only after the last call of `serve`: one that went on would take what the first fetch is to bring. */
  async #serveUntil(connected: Promise<void>, client: C): Promise<void> {
    let isConnecting = true;
    const settled = connected
      .catch(() => {})
      .then(() => {
        isConnecting = false;
      });
    while (isConnecting) {
      let timer: NodeJS.Timeout | undefined;
      const pause = new Promise((resolve) => {
        timer = setTimeout(resolve, KAFKA_LIMITS.serveMs);
      });
      await Promise.race([settled, pause]);
      clearTimeout(timer);
      if (isConnecting) await this.#serve(client);
    }
  }

  #describe(error: NativeError): CtlstoreError {
    const heard = [...this.#troubles.values()];
    // What a broker said about our credentials explains why none could be used.
    const cause = heard.find((one) => kindOf(one) === "denied") ?? error;
    const texts = heard.map((one) => one.message).filter((text) => text !== error.message);
    const reason = [error.message, ...texts.slice(0, 3)].join("; ");
    return toCtlstoreError(`reach Kafka at ${this.#brokers}`, cause, reason);
  }
}

/** syslog's number for an error; what is worse is below it. */
const ERROR_SEVERITY = 3;

/** A line of librdkafka's log, without which thread said it and after how many milliseconds: it comes again and again. */
function plain(line: string): string {
  return line.replace(/^\[thrd:[^\]]*\]: /, "").replace(/ \(after [^)]*\).*$/, "");
}

/** A call of the addon as a promise. Its errors are made ours. */
export function answerOf<T>(
  action: string,
  call: (done: (error: NativeError | null | undefined, value: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      call((error, value) => (error ? reject(toCtlstoreError(action, error)) : resolve(value)));
    } catch (error) {
      reject(toCtlstoreError(action, asNativeError(error)));
    }
  });
}

/** A call of the addon that answers at once. Its errors are made ours. */
export function callNow(action: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    throw toCtlstoreError(action, asNativeError(error));
  }
}

/** What the addon threw: its own errors, or plain ones. */
export function asNativeError(error: unknown): NativeError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return { message: messageOf(error), ...(typeof code === "number" ? { code } : {}) };
}
