/** The key of a record: the columns of the primary key, or of those that the connector was told to use. */
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { ConnectType } from "../values/connect-type.ts";
import { BARE_KEY, type EventMeta, type Image } from "./change-event.ts";
import type { ConnectJson } from "./connect-json.ts";
import { malformed } from "./malformed.ts";
import { isMembers, isMissing, kindOf } from "./members.ts";

const bareTypes = new WeakMap<ConnectType, ReadonlyMap<string, ConnectType>>();

/** @throws CtlstoreError `event_malformed` */
export function readKey(record: KafkaRecord, json: ConnectJson): Image | null {
  if (record.key === null) return null;
  const { payload, type } = json.read(record.topic, record.key);
  if (isMissing(payload)) return null;
  if (Array.isArray(payload))
    throw malformed("key", `it is ${kindOf(payload)}`, "it must be an object of columns, or one value");
  const name = type?.name ?? null;
  if (isMembers(payload)) {
    return { values: payload, types: type?.fields ?? null, ...(name === null ? {} : { schemaName: name }) };
  }
  return { values: { [BARE_KEY]: payload }, types: type === null ? null : bareTypesOf(type) };
}

function bareTypesOf(type: ConnectType): ReadonlyMap<string, ConnectType> {
  const known = bareTypes.get(type);
  if (known !== undefined) return known;
  const types = new Map([[BARE_KEY, type]]);
  bareTypes.set(type, types);
  return types;
}

/** The table of the origin that a key is of, where its schema is called as Debezium does; null where it is not. */
export function tableOfKey({ schemaName }: Image): EventMeta["source"] {
  const [, database, table] = /([^.]+)\.([^.]+)\.Key$/.exec(schemaName ?? "") ?? [];
  if (database === undefined || table === undefined) return null;
  return { database, schema: null, table };
}
