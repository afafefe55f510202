/** The settings that librdkafka gets: what an operator may change, and what would break the loader's promises (R30). */
import { describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { createKafka } from "../../../loader/kafka/client.ts";
import { kindOf, toCtlstoreError } from "../../../loader/kafka/kafka-errors.ts";
import { consumerSettings, producerSettings, redact } from "../../../loader/kafka/settings.ts";

const given = (settings: Readonly<Record<string, string>>) => ({ brokers: "k:9092", group: "g", settings });

describe("the settings of Kafka", () => {
  test("keep positions out of Kafka's hands when nothing is given", () => {
    expect(consumerSettings(given({}))).toMatchObject({
      "bootstrap.servers": "k:9092",
      "group.id": "g",
      "enable.auto.commit": "false",
      "enable.auto.offset.store": "false",
      "auto.offset.reset": "error",
      "isolation.level": "read_committed",
      "partition.assignment.strategy": "roundrobin",
    });
    expect(producerSettings(given({}))).toMatchObject({ acks: "all", "enable.idempotence": "true" });
  });

  test("pass on what an operator says when it breaks nothing, over what we find sensible", () => {
    const sasl = { "security.protocol": "sasl_ssl", "sasl.password": "p", "session.timeout.ms": "6000" };
    expect(consumerSettings(given(sasl))).toMatchObject(sasl);
    expect(producerSettings(given({ ...sasl, "group.instance.id": "a" }))).not.toHaveProperty(
      "group.instance.id",
    );
  });

  test.each([
    "enable.auto.commit",
    "auto.offset.reset",
    "isolation.level",
    "group.id",
    "bootstrap.servers",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "group.protocol",
    "acks",
    "rebalance_cb",
  ])("are refused when they set %s", (name) => {
    expect(() => createKafka(given({ [name]: "x" }))).toThrow(
      expect.objectContaining({ code: "config_invalid", message: expect.stringContaining(name) }),
    );
  });

  test("do not stand in messages when they are secrets", () => {
    const settings = { "sasl.password": "s3cr3t-sasl", "ssl.key.password": "k3y", "client.id": "loader" };
    expect(redact('no "s3cr3t-sasl" for loader, nor k3y', settings)).toBe(
      'no "[redacted]" for loader, nor [redacted]',
    );
  });
});

describe("Kafka's errors", () => {
  test.each([
    [3, "unknown-topic"],
    [29, "denied"],
    [-169, "denied"],
    [-140, "offset-out-of-range"],
    [-150, "fenced"],
    [82, "fenced"],
    [-172, "broken"],
    [-195, "passing"],
    [-185, "passing"],
  ] as const)("are told apart by their number when it is %d", (code, kind) => {
    expect(kindOf({ code, message: "" })).toBe(kind);
  });

  test("are told apart by their text when the addon has forgotten their number", () => {
    expect(kindOf({ code: -1, message: "authentication failure" })).toBe("denied");
    expect(kindOf({ code: -1, message: "all broker connections are down" })).toBe("passing");
  });

  test("become ours with what to do when they are passed on", () => {
    const error = toCtlstoreError("read topic t", {
      code: 29,
      message: "Broker: Topic authorization failed. ",
    });
    expect(error).toBeInstanceOf(CtlstoreError);
    expect(error).toMatchObject({
      code: "kafka_denied",
      message: "Cannot read topic t: Broker: Topic authorization failed",
    });
    expect(error.details.hint).toContain("sasl.*");
  });
});
