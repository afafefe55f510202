/**
 * A Kafka cluster for tests: the brokers inside librdkafka, which speak Kafka's protocol over TCP, in a process of their
 * own. No Kafka is needed.
 *
 * What differs from a real cluster: a partition keeps its newest 5 MiB (compressed) or 100,000 written batches only; a fetch at the
 * end of a partition waits its full `fetch.wait.max.ms`, new records or not, so give a small one; a topic that is asked
 * for comes into being with 4 partitions; nothing checks credentials.
 */
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { startProcess } from "../process.ts";
import type { ClusterAnswer, ClusterCommand, ProducedRecord } from "./cluster-commands.ts";

export type { ProducedRecord } from "./cluster-commands.ts";
export { hasKafka } from "./librdkafka.ts";

/** Requests of the protocol that can be made to fail. */
export const REQUESTS = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetCommit: 8,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
} as const;

export interface KafkaCluster extends AsyncDisposable {
  /** For `bootstrap.servers`. */
  readonly brokers: string;
  createTopic(topic: string, partitions: number): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  /** Resolves with the offsets, when all are acknowledged, in each partition in the order given. */
  produce(records: readonly ProducedRecord[]): Promise<readonly number[]>;
  watermarks(topic: string, partition: number): Promise<{ readonly low: number; readonly high: number }>;
  /** Removes the records of a partition below an offset, as retention does. */
  deleteRecords(topic: string, partition: number, before: number): Promise<void>;
  /** @param error Kafka's number: every request about the topic fails with it; 0 ends that */
  setTopicError(topic: string, error: number): Promise<void>;
  /** @param broker counted from 1 */
  setLeader(topic: string, partition: number, broker: number): Promise<void>;
  /** Takes a broker away, its connections too. @param broker counted from 1 */
  stopBroker(broker: number): Promise<void>;
  startBroker(broker: number): Promise<void>;
  /** Answers of a broker come so much later. */
  delayBroker(broker: number, ms: number): Promise<void>;
  /** The next requests of this kind fail, one for each of Kafka's error numbers. */
  failRequests(request: number, errors: readonly number[]): Promise<void>;
  /** Ends all brokers at once. */
  stop(): Promise<void>;
}

export interface KafkaClusterOptions {
  readonly brokers?: number;
  /** How long a new group waits for more members. */
  readonly rebalanceDelayMs?: number;
}

const HOST = join(import.meta.dir, "cluster-host.ts");
/** Per call, so that no body grows beyond some tens of megabytes. */
const RECORDS_PER_CALL = 10_000;

/** Starts a cluster, in about a tenth of a second. It dies with the tests. */
export async function startKafka(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
  const { brokers = 1, rebalanceDelayMs = 0 } = options;
  const host = startProcess([process.execPath, HOST, String(brokers), String(rebalanceDelayMs)]);
  const [line] = await host.waitForOutput(/^\{.*\}$/m);
  const started = JSON.parse(line) as { readonly brokers: string; readonly control: string };
  const ask = async (command: ClusterCommand): Promise<readonly number[]> => {
    const response = await fetch(started.control, { method: "POST", body: serialize(command) });
    const answer = deserialize(Buffer.from(await response.arrayBuffer())) as ClusterAnswer;
    if (!answer.ok) throw new Error(`the Kafka cluster of the tests cannot ${command.do}: ${answer.error}`);
    return answer.offsets ?? [];
  };
  const stop = async () => void (await host.kill());
  return {
    brokers: started.brokers,
    createTopic: async (topic, partitions) => void (await ask({ do: "create-topic", topic, partitions })),
    deleteTopic: async (topic) => void (await ask({ do: "delete-topic", topic })),
    async produce(records) {
      const offsets: number[] = [];
      for (let start = 0; start < records.length; start += RECORDS_PER_CALL) {
        const part = records.slice(start, start + RECORDS_PER_CALL);
        for (const offset of await ask({ do: "produce", records: part })) offsets.push(offset);
      }
      return offsets;
    },
    async watermarks(topic, partition) {
      const [low = -1, high = -1] = await ask({ do: "watermarks", topic, partition });
      return { low, high };
    },
    deleteRecords: async (topic, partition, before) =>
      void (await ask({ do: "delete-records", topic, partition, before })),
    setTopicError: async (topic, error) => void (await ask({ do: "topic-error", topic, error })),
    setLeader: async (topic, partition, broker) =>
      void (await ask({ do: "set-leader", topic, partition, broker })),
    stopBroker: async (broker) => void (await ask({ do: "broker", broker, up: false })),
    startBroker: async (broker) => void (await ask({ do: "broker", broker, up: true })),
    delayBroker: async (broker, ms) => void (await ask({ do: "delay", broker, ms })),
    failRequests: async (request, errors) => void (await ask({ do: "request-errors", request, errors })),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
