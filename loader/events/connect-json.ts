/**
 * Keys and values as Kafka Connect's JSON converter writes them, with a schema or without.
 *
 * With schemas, most of a record is the schema: eight of nine kilobytes, the same bytes in every record of a topic. So the
 * bytes up to the payload are remembered with what they say, and only the payload is parsed. What comes out is the same:
 * bytes that are `{"schema":S,"payload":` followed by one JSON value and `}` are an object of just these two members.
 */
import { messageOf } from "../../core/errors.ts";
import { parseExactJson } from "../../core/exact-json.ts";
import { EVENT_LIMITS } from "../../core/limits.ts";
import type { ConnectType } from "../values/connect-type.ts";
import { ConnectSchemas, isWrapped } from "./connect-schema.ts";
import { hasEscapedName, misreadsEscapedNames } from "./escaped-names.ts";
import { malformed, type RecordPart } from "./malformed.ts";

export interface ConnectBody {
  readonly payload: unknown;
  /** Null without schema. */
  readonly type: ConnectType | null;
}

/** What the records of a topic begin with. */
interface Prefix {
  readonly bytes: Uint8Array;
  readonly type: ConnectType;
}

const PAYLOAD = '"payload":';
const CLOSING_BRACE = 0x7d;
const strict = new TextDecoder("utf-8", { fatal: true });
/** For what stands in the middle: a byte order mark there is none. */
const strictInside = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class ConnectJson {
  readonly #part: RecordPart;
  readonly #schemas = new ConnectSchemas();
  readonly #prefixes = new Map<string, Prefix[]>();

  constructor(part: RecordPart) {
    this.#part = part;
  }

  /** @throws CtlstoreError `event_malformed` */
  read(topic: string, bytes: Uint8Array): ConnectBody {
    return this.#readAfterPrefix(topic, bytes) ?? this.#readWhole(topic, bytes);
  }

  /** Null when the record begins otherwise, or is not as it should be: then it is read as a whole. */
  #readAfterPrefix(topic: string, bytes: Uint8Array): ConnectBody | null {
    const prefixes = this.#prefixes.get(topic);
    if (prefixes === undefined || bytes[bytes.length - 1] !== CLOSING_BRACE) return null;
    const index = prefixes.findIndex((prefix) => beginsWith(bytes, prefix.bytes));
    const prefix = prefixes[index];
    if (prefix === undefined) return null;
    if (index > 0) prefixes.unshift(...prefixes.splice(index, 1));
    try {
      const text = strictInside.decode(bytes.subarray(prefix.bytes.length, -1));
      return { payload: jsonOf(text, this.#part), type: prefix.type };
    } catch {
      return null; // whatever is wrong, reading the whole of it finds out and says so
    }
  }

  #readWhole(topic: string, bytes: Uint8Array): ConnectBody {
    const text = textOf(bytes, this.#part);
    const json = jsonOf(text, this.#part);
    if (!isWrapped(json)) return { payload: json, type: null };
    if (json.schema === null) return { payload: json.payload, type: null };
    const type = this.#schemas.typeOf(json.schema, this.#part);
    const prefix = prefixOf(text);
    if (prefix !== null) this.#remember(topic, { bytes: Buffer.from(prefix, "utf8"), type });
    return { payload: json.payload, type };
  }

  #remember(topic: string, prefix: Prefix): void {
    const known = this.#prefixes.get(topic);
    if (known === undefined && this.#prefixes.size >= EVENT_LIMITS.knownSchemas) this.#prefixes.clear();
    this.#prefixes.set(topic, [prefix, ...(known ?? [])].slice(0, EVENT_LIMITS.prefixesPerTopic));
  }
}

function beginsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length > prefix.length && Buffer.compare(bytes.subarray(0, prefix.length), prefix) === 0;
}

/**
 * The text up to the payload's value, of a text that is `{"schema":…,"payload":…}`; null when it is in another order.
 * With `null}` behind it, it is such a text itself, which it is at the right place only.
 */
function prefixOf(text: string): string | null {
  let at = -1;
  for (let tries = 0; tries < EVENT_LIMITS.prefixTries; tries++) {
    at = text.indexOf(PAYLOAD, at + 1);
    if (at < 0) return null;
    const prefix = text.slice(0, at + PAYLOAD.length);
    if (isPrefix(prefix)) return prefix;
  }
  return null;
}

function isPrefix(prefix: string): boolean {
  try {
    const json: unknown = JSON.parse(`${prefix}null}`);
    return isWrapped(json) && json.payload === null && Object.keys(json)[0] === "schema";
  } catch {
    return false;
  }
}

function textOf(bytes: Uint8Array, part: RecordPart): string {
  const hint = "set key.converter and value.converter to org.apache.kafka.connect.json.JsonConverter";
  const needed = "it must be Debezium's JSON";
  if (bytes.length === 0) throw malformed(part, "it is zero bytes long, which is not a tombstone", needed);
  if (bytes[0] === 0) {
    const state = "it begins with a zero byte, as Avro, Protobuf and JSON of a schema registry do";
    throw malformed(part, state, needed, { hint });
  }
  try {
    return strict.decode(bytes);
  } catch (cause) {
    throw malformed(part, "it is not UTF-8", needed, { hint, cause });
  }
}

function jsonOf(text: string, part: RecordPart): unknown {
  const json = parsed(text, part);
  if (misreadsEscapedNames && hasEscapedName(text))
    throw malformed(
      part,
      "it has a column whose name is written with an escape, which this version of Node misreads",
      "such a column needs Node 20 or 22, or must be left out by the connector (column.exclude.list)",
    );
  return json;
}

function parsed(text: string, part: RecordPart): unknown {
  try {
    return parseExactJson(text);
  } catch (cause) {
    const end = text.trimEnd();
    const state =
      end.startsWith("{") && !end.endsWith("}")
        ? `it is cut off after ${text.length} characters`
        : `it is not JSON (${messageOf(causeOf(cause))})`;
    const hint = text.startsWith("Struct{")
      ? `${part}.converter is a StringConverter; set it to org.apache.kafka.connect.json.JsonConverter`
      : undefined;
    throw malformed(part, state, "it must be Debezium's JSON", {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}
