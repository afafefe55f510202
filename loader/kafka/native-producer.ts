/** The producer of dead letters, on the addon's: a record counts as written when all in-sync replicas have it. */
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { KAFKA_LIMITS } from "../../core/limits.ts";
import { untilAborted } from "../../core/process/until-aborted.ts";
import { asNativeError, Connection } from "./connection.ts";
import type { KafkaProducer, OutgoingRecord } from "./consumer.ts";
import { toCtlstoreError } from "./kafka-errors.ts";
import type { NativeError, NativeProducer } from "./native.ts";

interface Waiting {
  readonly topic: string;
  resolve(): void;
  reject(error: unknown): void;
}

export class AddonProducer implements KafkaProducer {
  readonly #connection: Connection<NativeProducer>;
  readonly #waiting = new Map<unknown, Waiting>();
  #client: NativeProducer | null = null;
  #sent = 0;

  constructor(make: () => NativeProducer, brokers: string) {
    this.#connection = new Connection(() => this.#prepare(make()), serve, brokers);
  }

  #prepare(client: NativeProducer): NativeProducer {
    client.on("delivery-report", (error, report) => this.#settle(report.opaque, error));
    return client;
  }

  async send(record: OutgoingRecord, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const client = await untilAborted(this.#ready(), signal);
    try {
      await untilAborted(this.#produce(client, record), signal);
    } catch (error) {
      if (!isCtlstoreError(error) || error.code !== "loader_fenced") throw error;
      this.#abandon(client);
      // Of a producer it means that it lost count of what it sent: another one begins anew, and the letter may be there twice.
      throw new CtlstoreError("kafka_unavailable", error.message, { cause: error });
    }
  }

  #abandon(client: NativeProducer): void {
    if (client !== this.#client) return;
    this.#client = null;
    this.#connection.abandon();
    client.disconnect(KAFKA_LIMITS.closeMs, () => {});
  }

  #produce(client: NativeProducer, { topic, key, value, headers }: OutgoingRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sent += 1;
      const id = this.#sent;
      this.#waiting.set(id, { topic, resolve, reject });
      const list = Object.entries(headers).map(([name, text]) => ({ [name]: text }));
      try {
        client.produce(topic, null, toBuffer(value), toBuffer(key), Date.now(), id, list);
      } catch (error) {
        this.#waiting.delete(id);
        reject(refused(topic, asNativeError(error)));
      }
    });
  }

  async #ready(): Promise<NativeProducer> {
    const client = await this.#connection.client();
    client.setPollInBackground(true);
    this.#client = client;
    return client;
  }

  #settle(id: unknown, error: NativeError | null | undefined): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(refused(waiting.topic, error));
    else waiting?.resolve();
  }

  async close(): Promise<void> {
    const ended = (async () => {
      const client = await this.#connection.existing();
      if (client !== null) {
        await new Promise<void>((resolve) => client.disconnect(KAFKA_LIMITS.closeMs, () => resolve()));
      }
    })();
    const limit = new Promise<void>((resolve) => setTimeout(resolve, 2 * KAFKA_LIMITS.closeMs).unref());
    await Promise.race([ended, limit]);
  }
}

async function serve(client: NativeProducer): Promise<void> {
  try {
    client.poll();
  } catch {
    // It has not begun to connect.
  }
}

function refused(topic: string, error: NativeError) {
  return toCtlstoreError(`write to topic ${topic}`, error);
}

/** The addon takes Buffers only; no byte is copied. */
function toBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
