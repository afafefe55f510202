/** The schema that Kafka Connect's JSON converter writes beside a payload, as `ConnectType`s. */
import { quote } from "../../core/errors.ts";
import { stringifyJson } from "../../core/exact-json.ts";
import { EVENT_LIMITS } from "../../core/limits.ts";
import type { ConnectType } from "../values/connect-type.ts";
import { malformed, type RecordPart } from "./malformed.ts";
import { isMembers, isMissing, kindOf, type Members } from "./members.ts";

type Fields = ReadonlyMap<string, ConnectType>;

/** Equal schemas get the same types, by identity: others remember what they made of them (`Image.types`). */
export class ConnectSchemas {
  readonly #known = new Map<string, ConnectType>();

  /** @throws CtlstoreError `event_malformed` */
  typeOf(schema: unknown, part: RecordPart): ConnectType {
    const text = stringifyJson(schema);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const type = new SchemaReader(part).typeOf(schema, 0);
    if (this.#known.size >= EVENT_LIMITS.knownSchemas) this.#known.clear();
    this.#known.set(text, type);
    return type;
  }
}

/** Reads one schema. Equal structs in it, as of `before` and `after`, share their fields. */
class SchemaReader {
  readonly #part: RecordPart;
  readonly #structs = new Map<string, Fields>();

  constructor(part: RecordPart) {
    this.#part = part;
  }

  typeOf(schema: unknown, depth: number): ConnectType {
    if (depth > EVENT_LIMITS.schemaDepth) this.#refuse("is nested too deep");
    if (!isMembers(schema)) this.#refuse(`holds ${kindOf(schema)} in place of an object`);
    const { type, name, optional, parameters, fields, items } = schema;
    if (typeof type !== "string") this.#refuse(`has a type that is ${kindOf(type)}`);
    return {
      type,
      name: typeof name === "string" ? name : null,
      isOptional: optional === true,
      parameters: parametersOf(parameters),
      fields: isMissing(fields) ? null : this.#fieldsOf(fields, depth),
      items: isMissing(items) ? null : this.typeOf(items, depth + 1),
    };
  }

  #fieldsOf(fields: unknown, depth: number): Fields {
    if (!Array.isArray(fields)) this.#refuse(`has fields that are ${kindOf(fields)}`);
    const text = stringifyJson(fields);
    const known = this.#structs.get(text);
    if (known !== undefined) return known;
    const types = new Map(fields.map((field) => [this.#nameOf(field), this.typeOf(field, depth + 1)]));
    this.#structs.set(text, types);
    return types;
  }

  #nameOf(field: unknown): string {
    const name = isMembers(field) ? field["field"] : undefined;
    if (typeof name !== "string") this.#refuse(`has a field whose name is ${kindOf(name)}`);
    return name;
  }

  #refuse(what: string): never {
    throw malformed(this.#part, `its schema ${what}`, "it must be one of Kafka Connect's JSON converter");
  }
}

function parametersOf(parameters: unknown): Readonly<Record<string, string>> {
  if (!isMembers(parameters)) return {};
  const texts = Object.entries(parameters).map(([name, value]): [string, string] => [
    name,
    typeof value === "string" ? value : quote(value),
  ]);
  return Object.fromEntries(texts);
}

/** `schema` and `payload` and nothing else: what the JSON converter writes with `schemas.enable=true`. */
export interface Wrapped {
  readonly schema: Members | null;
  readonly payload: unknown;
}

/** True for a value with its schema; false for a row that only has columns of these names. */
export function isWrapped(json: unknown): json is Wrapped & Members {
  if (!isMembers(json)) return false;
  const names = Object.keys(json);
  if (names.length !== 2 || !("schema" in json) || !("payload" in json)) return false;
  const { schema, payload } = json;
  if (schema === null) return payload === null || isMembers(payload);
  return isMembers(schema) && typeof schema["type"] === "string";
}
