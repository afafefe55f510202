/**
 * The Kafka client: the only file that knows @confluentinc/kafka-javascript (librdkafka).
 *
 * It is an addon for Node. On Bun it loads, and then ends the process at its first use; so it is not even tried there.
 */
import { CtlstoreError, messageOf } from "../../core/errors.ts";
import type { Kafka, KafkaSettings } from "./consumer.ts";
import type { NativeConsumer, NativeKafka, NativeProducer, RebalanceCallback } from "./native.ts";
import { AddonConsumer } from "./native-consumer.ts";
import { AddonProducer } from "./native-producer.ts";
import { consumerSettings, producerSettings, redact } from "./settings.ts";

/**
 * Makes clients of the cluster. Nothing connects before it must.
 *
 * @throws CtlstoreError `config_invalid` for settings that would break the loader's promises
 */
export function createKafka(settings: KafkaSettings): Kafka {
  const ofConsumer = consumerSettings(settings);
  const ofProducer = producerSettings(settings);
  const monotonicMs = () => performance.now();
  return {
    consumer: () => {
      const make = (onRebalance: RebalanceCallback) => loadNative().consumer(ofConsumer, onRebalance);
      return new AddonConsumer({ make, monotonicMs }, settings.brokers);
    },
    producer: () => new AddonProducer(() => loadNative().producer(ofProducer), settings.brokers),
  };
}

/**
 * The addon's classes as we use them. Their second argument, settings of topics, must be left out, which their own types
 * forbid: given an empty one, librdkafka forgets the settings of topics among the first, `auto.offset.reset` with them.
 */
interface AddonClasses {
  readonly KafkaConsumer: new (settings: object) => NativeConsumer;
  readonly Producer: new (settings: object) => NativeProducer;
}

function loadNative(): NativeKafka {
  const { RdKafka } = loadPackage();
  return {
    consumer: (settings, onRebalance) =>
      configured(settings, () => {
        const { KafkaConsumer } = RdKafka as unknown as AddonClasses;
        return new KafkaConsumer({ ...settings, rebalance_cb: onRebalance });
      }),
    producer: (settings) =>
      configured(settings, () => {
        const { Producer } = RdKafka as unknown as AddonClasses;
        return new Producer({ ...settings, dr_cb: true });
      }),
  };
}

/** librdkafka looks at the settings when a client is made. */
function configured<T>(settings: Readonly<Record<string, string>>, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const reason = redact(messageOf(cause), settings);
    throw new CtlstoreError("config_invalid", `Cannot make a Kafka client: ${reason}`, {
      hint: "--kafka-setting and --kafka-settings take librdkafka's settings by their own names.",
    });
  }
}

/** Loaded when first needed: it takes a tenth of a second, and most commands need none. */
function loadPackage(): typeof import("@confluentinc/kafka-javascript") {
  if (process.versions["bun"] !== undefined) {
    throw new CtlstoreError("config_invalid", "Cannot use Kafka on Bun: its client runs on Node only", {
      hint: "Run `ctlstore-loader` of the npm package ctlstore-loader with Node.",
    });
  }
  try {
    return require("@confluentinc/kafka-javascript") as typeof import("@confluentinc/kafka-javascript");
  } catch (cause) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot load the Kafka client: ${messageOf(cause).split(/\n| Tried:/, 1)[0]}`,
      {
        cause,
        hint:
          "It is the npm package @confluentinc/kafka-javascript with its binary for this Node: " +
          "`npm rebuild @confluentinc/kafka-javascript`; in a source checkout `node scripts/setup.mjs test`.",
      },
    );
  }
}
