/** Questions to the brokers that are about no record: how many partitions, which offsets. */

import { KAFKA_LIMITS } from "../../core/limits.ts";
import { Mutex } from "../../core/process/mutex.ts";
import { answerOf, type Connection } from "./connection.ts";
import type { TopicPartition, Watermarks } from "./consumer.ts";
import { toCtlstoreError } from "./kafka-errors.ts";
import type { NativeConsumer, NativeError, NativeMetadata } from "./native.ts";

export class Questions {
  readonly #connection: Connection<NativeConsumer>;
  /** Each blocks one of the four threads that Node has for all such work. */
  readonly #oneByOne = new Mutex();

  readonly #serve: (client: NativeConsumer) => Promise<void>;
  #asked = 0;

  /** @param serve lets the client say what it has heard, or it would keep that for ever */
  constructor(connection: Connection<NativeConsumer>, serve: (client: NativeConsumer) => Promise<void>) {
    this.#connection = connection;
    this.#serve = serve;
  }

  /** @throws CtlstoreError `kafka_topic_unknown` */
  async partitionCount(topic: string): Promise<number> {
    const action = `look up topic ${topic}`;
    const options = { topic, allTopics: false, timeout: KAFKA_LIMITS.answerMs };
    const metadata = await this.#ask<NativeMetadata>(action, (client, done) =>
      client.getMetadata(options, done),
    );
    const count = metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
    // The addon does not say whether it is missing or not for us.
    if (count === 0) throw toCtlstoreError(action, { code: 3, message: "Kafka does not show such a topic" });
    return count;
  }

  async watermarks({ topic, partition }: TopicPartition): Promise<Watermarks> {
    const { lowOffset: low, highOffset: high } = await this.#ask<{
      readonly lowOffset: number;
      readonly highOffset: number;
    }>(`ask for the offsets of ${topic} [${partition}]`, (client, done) =>
      client.queryWatermarkOffsets(topic, partition, KAFKA_LIMITS.answerMs, done),
    );
    return { low, high };
  }

  #ask<T>(
    action: string,
    call: (
      client: NativeConsumer,
      done: (error: NativeError | null | undefined, value: T) => void,
    ) => unknown,
  ): Promise<T> {
    return this.#oneByOne.run(async () => {
      const client = await this.#connection.client();
      this.#asked += 1;
      if (this.#asked % KAFKA_LIMITS.questionsPerServe === 0) await this.#serve(client);
      return answerOf<T>(action, (done) => call(client, done));
    });
  }
}
