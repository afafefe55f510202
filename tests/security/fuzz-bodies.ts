/** Bodies for the requests that chance makes: first one that fits the document, then something is done to it. */
import { testSecret } from "../support/secrets.ts";
import type { ApiOperation } from "./api-document.ts";
import type { FuzzKnowledge } from "./fuzz-requests.ts";
import { NASTY_JSON, NASTY_TEXTS } from "./nasty-values.ts";
import { pick, sampleOf } from "./schema-samples.ts";

export interface FuzzBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** A secret in it. */
  readonly secret?: string;
}

type Random = () => number;

export function bodyFor(operation: ApiOperation, known: FuzzKnowledge, random: Random): FuzzBody | null {
  const { body, path } = operation;
  if (body === null) return random() < 0.05 ? { bytes: encode("{}") } : null;
  if (random() < 0.03) return null;
  if (body.mediaType === "text/plain") return secretBody(known, random);
  if (body.mediaType !== "application/json") return { bytes: randomBytes(random) };
  const isBatch = path.endsWith("/mutations") && random() < 0.8;
  const deps = { random, textFor: (name: string) => textFor(name, random) };
  const sample = isBatch ? batch(random) : sampleOf(body.schema, deps);
  const text = random() < 0.5 ? JSON.stringify(sample) : spoilt(sample, random);
  return { bytes: random() < 0.02 ? spoiltBytes(text, random) : encode(text) };
}

function secretBody(known: FuzzKnowledge, random: Random): FuzzBody {
  if (random() < 0.5) return { bytes: encode(known.writer.secret), secret: known.writer.secret };
  const secret = `${testSecret("body-")}${choose(NASTY_TEXTS, random)}`;
  return random() < 0.5 ? { bytes: encode(secret), secret } : { bytes: encode(choose(NASTY_TEXTS, random)) };
}

const TEXTS: Readonly<Record<string, readonly string[]>> = {
  family: ["shop", "bank", "none"],
  families: ["shop", "bank", "none"],
  name: ["extra", "item", "more"],
  table: ["item", "counter", "extra", "ITEM"],
  period: ["1m", "1h", "30s", "1h30m"],
  "max-size": ["1000000", "100000000"],
  "warn-size": ["1000"],
  amount: ["5", "1000000"],
  bytes: ["100", "100000000"],
  cookie: ["AA==", "b25l", "x"],
  check_cookie: ["AA==", "b25l", ""],
  keyFields: ["name", "id"],
  "fields.0": ["name", "id", "note", "extra", "order"],
  "fields.1": ["string", "integer", "text", "decimal", "binary", "bytestring", "none"],
  contact: ["#team"],
};

function textFor(name: string, random: Random): string {
  return choose(random() < 0.15 ? NASTY_TEXTS : (TEXTS[name] ?? NASTY_TEXTS), random);
}

/** Batches that mostly fit the tables of the test. */
function batch(random: Random): unknown {
  const length = random() < 0.03 ? 101 : Math.floor(random() * 4);
  const cookie = random() < 0.2 ? { cookie: choose(["AA==", "b25l"], random) } : {};
  return { ...cookie, mutations: Array.from({ length }, () => mutation(random)) };
}

function mutation(random: Random): unknown {
  const any = () => choose(NASTY_TEXTS, random);
  const id = Math.floor(random() * 50);
  const choices = [
    () => ({ table: "counter", values: { id, label: "x" } }),
    () => ({ table: "counter", delete: true, values: { id } }),
    () => ({ table: "item", values: { name: `n${id}`, order: 1, weight: random(), note: any() } }),
    () => ({ table: "item", values: { name: any(), checksum: "AA==", picture: "AAEC" } }),
    () => ({ table: "Item", delete: random() < 0.5, values: { name: any() } }),
    () =>
      random() < 0.8
        ? { table: "item", values: { name: "n" } }
        : { table: "counter", values: { [any()]: any() } },
  ];
  return choose(choices, random)();
}

/** Stands for a place in the JSON text that is replaced afterwards. */
const HOLE = "\u0001hole\u0001";

function spoilt(sample: unknown, random: Random): string {
  const luck = random();
  if (luck < 0.75)
    return JSON.stringify(withHole(sample, random)).replace(JSON.stringify(HOLE), () =>
      choose(NASTY_JSON, random),
    );
  const text = JSON.stringify(sample);
  if (luck < 0.8) return text.slice(0, Math.floor(random() * text.length));
  if (luck < 0.85) return text + choose(["}", "x", "\u0000", ",", text], random);
  if (luck < 0.9) return choose(NASTY_JSON, random);
  if (luck < 0.95) return text.replace(/"(\w+)":/, (member) => `${member}1,${member}`);
  return `\ufeff${text}`;
}

/** The same with one value, or one more member, that is a hole. */
function withHole(value: unknown, random: Random): unknown {
  if (Array.isArray(value) && value.length > 0 && random() < 0.8) {
    const at = Math.floor(random() * value.length);
    return value.map((item, i) => (i === at ? withHole(item, random) : item));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value) && random() < 0.9) {
    const names = Object.keys(value);
    const name = random() < 0.15 || names.length === 0 ? choose(NASTY_TEXTS, random) : choose(names, random);
    if (random() < 0.1) return Object.fromEntries(Object.entries(value).filter(([one]) => one !== name));
    return { ...value, [name]: withHole((value as Record<string, unknown>)[name], random) };
  }
  return HOLE;
}

function spoiltBytes(text: string, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = encode(text);
  if (bytes.length > 0) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}

function randomBytes(random: Random): Uint8Array<ArrayBuffer> {
  const length = choose([0, 1, 3, 50, 100, 101, 1024, 1025, 5000], random);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function choose<T>(list: readonly T[], random: Random): T {
  return pick(list, random) as T; // no list here is empty
}
