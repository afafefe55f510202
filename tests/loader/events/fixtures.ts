/** Records as connectors of several versions write them, byte for byte: for the forms that the builders do not make. */
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { kafkaRecord } from "../../support/debezium.ts";

export interface Fixture {
  readonly name: string;
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** What must be in the event. */
  readonly expected: object;
}

export function recordOf({ topic, key, value, headers = {} }: Fixture): KafkaRecord {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, "utf8"));
  return kafkaRecord({
    topic,
    key: bytes(key),
    value: bytes(value),
    headers,
    timestampMs: 1_700_000_000_500,
  });
}

const INT32_ID = '{"type":"int32","optional":false,"field":"id"}';
const NAME = '{"type":"string","optional":true,"field":"name"}';
const COUNT_SCHEMA =
  '{"type":"struct","fields":[{"type":"string","optional":false,"field":"data_collection"},{"type":"int64","optional":false,"field":"event_count"}],"optional":false,"name":"event.collection","version":1}';

export const FIXTURES: readonly Fixture[] = [
  {
    name: "MySQL, Debezium 2.1, create with schemas, transaction at the end",
    topic: "dbserver1.inventory.products",
    key: `{"schema":{"type":"struct","fields":[${INT32_ID}],"optional":false,"name":"dbserver1.inventory.products.Key"},"payload":{"id":110}}`,
    value: `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[${INT32_ID},${NAME},{"type":"float","optional":true,"field":"weight"}],"optional":true,"name":"dbserver1.inventory.products.Value","field":"before"},{"type":"struct","fields":[${INT32_ID},${NAME},{"type":"float","optional":true,"field":"weight"}],"optional":true,"name":"dbserver1.inventory.products.Value","field":"after"},{"type":"struct","fields":[{"type":"string","optional":false,"field":"version"},{"type":"string","optional":false,"field":"db"},{"type":"string","optional":true,"field":"table"},{"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,"name":"io.debezium.connector.mysql.Source","field":"source"},{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"},{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},{"type":"int64","optional":false,"field":"total_order"},{"type":"int64","optional":false,"field":"data_collection_order"}],"optional":true,"name":"event.block","version":1,"field":"transaction"}],"optional":false,"name":"dbserver1.inventory.products.Envelope","version":1},"payload":{"before":null,"after":{"id":110,"name":"spare tyre","weight":22.2},"source":{"version":"2.1.4.Final","connector":"mysql","name":"dbserver1","ts_ms":1670000000000,"snapshot":"false","db":"inventory","sequence":null,"table":"products","server_id":223344,"gtid":null,"file":"mysql-bin.000003","pos":401,"row":0,"thread":null,"query":null},"op":"c","ts_ms":1670000000321,"transaction":{"id":"file=mysql-bin.000003,pos=236","total_order":2,"data_collection_order":1}}}`,
    expected: {
      kind: "row",
      op: "create",
      meta: {
        source: { database: "inventory", schema: null, table: "products" },
        snapshot: "none",
        timestampMs: 1670000000000,
        transaction: { id: "file=mysql-bin.000003,pos=236", order: 2 },
      },
      key: { values: { id: 110 } },
      before: null,
      after: { values: { id: 110, name: "spare tyre", weight: 22.2 } },
    },
  },
  {
    name: "MariaDB, Debezium 2.7, update without schemas, with a GTID",
    topic: "maria.shop.rates",
    key: '{"code":"EUR"}',
    value:
      '{"before":{"code":"EUR","rate":"AMxR"},"after":{"code":"EUR","rate":"AM0Z"},"source":{"version":"2.7.3.Final","connector":"mariadb","name":"maria","ts_ms":1756279375000,"snapshot":"false","db":"shop","sequence":null,"ts_us":1756279375000000,"ts_ns":1756279375000000000,"table":"rates","server_id":1,"gtid":"1-1-720","file":"mariadb-bin.000002","pos":1934,"row":0,"thread":null,"query":null},"transaction":null,"op":"u","ts_ms":1756279375411,"ts_us":1756279375411782,"ts_ns":1756279375411782931}',
    expected: {
      op: "update",
      meta: { source: { database: "shop", table: "rates" }, timestampMs: 1756279375000 },
      key: { values: { code: "EUR" } },
      before: { values: { code: "EUR", rate: "AMxR" } },
      after: { values: { code: "EUR", rate: "AM0Z" } },
    },
  },
  {
    name: "MariaDB, Debezium 3.5, delete of a changed key",
    topic: "maria.shop.rates",
    key: '{"code":"EUR"}',
    headers: { "__debezium.newkey": '{"code":"XEU"}', __debezium_context_taskId: "0" },
    value:
      '{"before":{"code":"EUR","rate":"AM0Z"},"after":null,"source":{"version":"3.5.2.Final","connector":"mariadb","name":"maria","ts_ms":1782305100000,"snapshot":"false","db":"shop","sequence":null,"ts_us":1782305100000000,"ts_ns":1782305100000000000,"table":"rates","server_id":1,"gtid":"0-1-9042","file":"mariadb-bin.000007","pos":5512,"row":0,"thread":44,"query":"UPDATE rates SET code = \'XEU\' WHERE code = \'EUR\'"},"transaction":{"id":"0-1-9042","total_order":1,"data_collection_order":1},"op":"d","ts_ms":1782305100290,"ts_us":1782305100290114,"ts_ns":1782305100290114551}',
    expected: {
      op: "delete",
      before: { values: { code: "EUR", rate: "AM0Z" } },
      after: null,
      newKeyFollows: true,
      meta: { transaction: { id: "0-1-9042", order: 1 } },
    },
  },
  {
    name: "MySQL, Debezium 3.0, incremental snapshot",
    topic: "shop.inventory.orders",
    key: '{"id":9223372036854775807}',
    value:
      '{"before":null,"after":{"id":9223372036854775807,"placed":19700,"at":1732300800123456},"source":{"version":"3.0.8.Final","connector":"mysql","name":"shop","ts_ms":1732300800000,"snapshot":"incremental","db":"inventory","sequence":null,"ts_us":1732300800000000,"ts_ns":1732300800000000000,"table":"orders","server_id":0,"gtid":null,"file":"","pos":0,"row":0,"thread":null,"query":null},"transaction":null,"op":"r","ts_ms":1732300800456,"ts_us":1732300800456001,"ts_ns":1732300800456001002}',
    expected: {
      op: "read",
      meta: { snapshot: "incremental" },
      key: { values: { id: 9223372036854775807n } },
      after: { values: { id: 9223372036854775807n, placed: 19700, at: 1732300800123456 } },
    },
  },
  {
    name: "MySQL, Debezium 1.9, last row of a snapshot, with members that came and went",
    topic: "old.inventory.orders",
    key: '{"id":1}',
    value:
      '{"before":null,"after":{"id":1},"source":{"version":"1.9.7.Final","connector":"mysql","name":"old","ts_ms":1650000000000,"snapshot":"last","db":"inventory","sequence":null,"table":"orders","server_id":0,"gtid":null,"file":"mysql-bin.000001","pos":157,"row":0,"thread":null,"query":null},"op":"r","ts_ms":1650000000012,"transaction":null}',
    expected: { op: "read", meta: { snapshot: "last", timestampMs: 1650000000000 } },
  },
  {
    name: "MySQL, Debezium 0.10, with a boolean snapshot mark",
    topic: "old.inventory.orders",
    key: '{"id":1}',
    value:
      '{"before":null,"after":{"id":1},"source":{"version":"0.10.0.Final","connector":"mysql","name":"old","ts_ms":0,"snapshot":true,"db":"inventory","table":"orders","server_id":0,"gtid":null,"file":"mysql-bin.000001","pos":157,"row":0,"thread":null,"query":null},"op":"c","ts_ms":1570000000012}',
    expected: { op: "create", meta: { snapshot: "within", timestampMs: 1570000000012 } },
  },
  {
    name: "MySQL, Debezium 2.6, truncate",
    topic: "shop.inventory.orders",
    key: null,
    value:
      '{"before":null,"after":null,"source":{"version":"2.6.2.Final","connector":"mysql","name":"shop","ts_ms":1732300800000,"snapshot":"false","db":"inventory","sequence":null,"ts_us":1732300800000000,"ts_ns":1732300800000000000,"table":"orders","server_id":223344,"gtid":null,"file":"mysql-bin.000003","pos":77,"row":0,"thread":9,"query":null},"transaction":null,"op":"t","ts_ms":1732300800456,"ts_us":1732300800456001,"ts_ns":1732300800456001002}',
    expected: { kind: "truncate", meta: { source: { table: "orders" } } },
  },
  {
    name: "flattened by Debezium 2.x with drop.tombstones=false and delete.handling.mode=rewrite: the delete",
    topic: "customers",
    key: `{"schema":{"type":"struct","fields":[${INT32_ID}],"optional":false,"name":"shop.inventory.customers.Key"},"payload":{"id":7}}`,
    value: `{"schema":{"type":"struct","fields":[${INT32_ID},${NAME},{"type":"string","optional":true,"field":"__deleted"},{"type":"string","optional":true,"field":"__op"},{"type":"int64","optional":true,"field":"__source_ts_ms"}],"optional":false,"name":"shop.inventory.customers.Value"},"payload":{"id":7,"name":"Anne","__deleted":"true","__op":"d","__source_ts_ms":1732300800123}}`,
    expected: {
      op: "delete",
      before: { values: { id: 7, name: "Anne" } },
      after: null,
      meta: { source: null, timestampMs: 1732300800123 },
    },
  },
  {
    name: "flattened by Debezium 2.x with drop.tombstones=false and delete.handling.mode=none: the delete",
    topic: "customers",
    key: '{"id":7}',
    value: null,
    expected: {
      op: "delete",
      isTombstone: true,
      key: { values: { id: 7 } },
      meta: { timestampMs: 1_700_000_000_500 },
    },
  },
  {
    name: "flattened by Debezium 3.2 with delete.tombstone.handling.mode=delete-to-tombstone and a header for the op",
    topic: "customers",
    key: '{"id":7}',
    headers: { __op: "d", "__debezium.newkey": '{"id":8}' },
    value: null,
    expected: { op: "delete", isTombstone: true, newKeyFollows: true },
  },
  {
    name: "flattened by Debezium 3.x with add.fields=op,table,source.ts_ms,source.snapshot: a snapshot's row",
    topic: "customers",
    key: '{"id":7}',
    value:
      '{"id":7,"name":"Anne","__op":"r","__table":"customers","__source_ts_ms":1732300800000,"__source_snapshot":"last_in_data_collection"}',
    expected: {
      op: "read",
      after: { values: { id: 7, name: "Anne" } },
      meta: {
        source: { database: null, schema: null, table: "customers" },
        snapshot: "last-of-table",
        timestampMs: 1732300800000,
      },
    },
  },
  {
    name: "end of a transaction with schemas",
    topic: "shop.transaction",
    key: '{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"}],"optional":false,"name":"io.debezium.connector.common.TransactionMetadataKey","version":1},"payload":{"id":"0-1-9042"}}',
    value: `{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"status"},{"type":"string","optional":false,"field":"id"},{"type":"int64","optional":true,"field":"event_count"},{"type":"array","items":${COUNT_SCHEMA},"optional":true,"field":"data_collections"},{"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,"name":"io.debezium.connector.common.TransactionMetadataValue","version":1},"payload":{"status":"END","id":"0-1-9042","event_count":3,"data_collections":[{"data_collection":"shop.rates","event_count":2},{"data_collection":"shop.notes","event_count":1}],"ts_ms":1782305100291}}`,
    expected: {
      kind: "transaction",
      status: "end",
      id: "0-1-9042",
      eventCount: 3,
      collections: new Map([
        ["shop.rates", 2],
        ["shop.notes", 1],
      ]),
    },
  },
  {
    name: "heartbeat with schemas",
    topic: "__debezium-heartbeat.shop",
    key: '{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"serverName"}],"optional":false,"name":"io.debezium.connector.common.ServerNameKey","version":1},"payload":{"serverName":"shop"}}',
    value:
      '{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,"name":"io.debezium.connector.common.Heartbeat","version":1},"payload":{"ts_ms":1732300800456}}',
    expected: { kind: "other", what: "heartbeat", timestampMs: 1732300800456 },
  },
];
