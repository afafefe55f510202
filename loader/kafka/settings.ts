/**
 * The settings that librdkafka is given: what the loader's promises hang on, what we find sensible, and what the operator
 * says, who wins over the latter only.
 */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { KAFKA_LIMITS } from "../../core/limits.ts";
import type { KafkaSettings } from "./consumer.ts";

type Settings = Readonly<Record<string, string>>;

/** The cookie is the truth (R30): nothing is committed, stored or chosen by Kafka's own means. */
const FIXED_OF_CONSUMER: Settings = {
  "enable.auto.commit": "false",
  "enable.auto.offset.store": "false",
  // A lost event is said, never jumped over.
  "auto.offset.reset": "error",
  "enable.partition.eof": "true",
  // What a producer took back is no event.
  "isolation.level": "read_committed",
  // Who gets a lane's anchor reads the whole lane: the others' partitions must be free then, so everything is given back
  // before it is given out. Topics of one partition are dealt to all instances; "range" gives them all to the first.
  "partition.assignment.strategy": "roundrobin",
  // To ask for a topic must not make it.
  "allow.auto.create.topics": "false",
};

const FIXED_OF_PRODUCER: Settings = {
  "enable.idempotence": "true",
  acks: "all",
  // A dead letter is waited for, one by one.
  "linger.ms": "0",
};

const SHARED_DEFAULTS: Settings = {
  "client.id": "ctlstore-loader",
  "socket.keepalive.enable": "true",
  // Idle connections are closed by brokers all the time.
  "log.connection.close": "false",
  // Nothing of ours is sent to whoever runs the brokers.
  "enable.metrics.push": "false",
};

const { prefetchKilobytes, fetchBytes, sessionTimeoutMs, refetchMs, deliveryTimeoutMs, producedBytes } =
  KAFKA_LIMITS;

const DEFAULTS_OF_CONSUMER: Settings = {
  ...SHARED_DEFAULTS,
  "queued.max.messages.kbytes": String(prefetchKilobytes),
  "fetch.max.bytes": String(fetchBytes),
  "fetch.queue.backoff.ms": String(refetchMs),
  "session.timeout.ms": String(sessionTimeoutMs),
  "check.crcs": "true",
};

const DEFAULTS_OF_PRODUCER: Settings = {
  ...SHARED_DEFAULTS,
  "message.timeout.ms": String(deliveryTimeoutMs),
  // What Kafka had taken once, it is to judge again: librdkafka's own limit of 1 MB is below what topics may have.
  "message.max.bytes": String(producedBytes),
};

/** Other names of the same, and what would undo it. By name: what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  "bootstrap.servers": "--brokers says where the cluster is",
  "metadata.broker.list": "--brokers says where the cluster is",
  "group.id": "--group names the consumer group",
  "group.protocol": "the loader needs the classic protocol",
  "group.remote.assignor": "the loader needs the classic protocol",
  "transactional.id": "the loader's exactness comes from cookies",
  "auto.commit.enable": "positions are kept in cookies",
  "auto.commit.interval.ms": "positions are kept in cookies",
  "enable.auto.commit": "positions are kept in cookies",
  "enable.auto.offset.store": "positions are kept in cookies",
  "offset.store.method": "positions are kept in cookies",
  "auto.offset.reset": "--lost-events says what to do about events that are no longer there",
  "enable.partition.eof": "the loader must know the ends of partitions",
  "isolation.level": "only committed events are loaded",
  "partition.assignment.strategy": "lanes need the strategy roundrobin",
  "allow.auto.create.topics": "the loader makes no topics",
  "enable.idempotence": "dead letters are written with it",
  acks: "dead letters are written to all in-sync replicas",
  "request.required.acks": "dead letters are written to all in-sync replicas",
  "linger.ms": "--linger-ms is the option for batches; dead letters are written at once",
  "queue.buffering.max.ms": "dead letters are written at once",
};

/** @throws CtlstoreError `config_invalid` for a setting that would break the loader's promises */
export function consumerSettings({ brokers, group, settings }: KafkaSettings): Settings {
  return {
    ...DEFAULTS_OF_CONSUMER,
    ...accepted(settings),
    ...FIXED_OF_CONSUMER,
    "bootstrap.servers": brokers,
    "group.id": group,
  };
}

/** @throws CtlstoreError as `consumerSettings` */
export function producerSettings({ brokers, settings }: KafkaSettings): Settings {
  return {
    ...DEFAULTS_OF_PRODUCER,
    ...withoutGroup(accepted(settings)),
    ...FIXED_OF_PRODUCER,
    "bootstrap.servers": brokers,
  };
}

function accepted(settings: Settings): Settings {
  for (const name of Object.keys(settings)) {
    const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : callback(name);
    if (reason === undefined) continue;
    throw new CtlstoreError("config_invalid", `Cannot set ${quote(name)} of Kafka: ${reason}`, {
      hint: "Leave it out of --kafka-setting and --kafka-settings.",
    });
  }
  return settings;
}

/** librdkafka's settings that take a function, or nothing that a text can say. */
function callback(name: string): string | undefined {
  return name.endsWith("_cb") || name === "opaque" ? "it takes a function" : undefined;
}

/** A member of the group under its own name: two clients must not have the same. */
function withoutGroup(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => name !== "group.instance.id"));
}

const SECRET_NAME = /password|secret|token|\.key(\.pem)?$|oauthbearer\.config|username|passphrase/;

/** A text of librdkafka's about settings, without the values that nobody should read. */
export function redact(text: string, settings: Settings): string {
  let clean = text;
  for (const [name, value] of Object.entries(settings)) {
    if (SECRET_NAME.test(name) && value.length > 0) clean = clean.replaceAll(value, "[redacted]");
  }
  return clean;
}
