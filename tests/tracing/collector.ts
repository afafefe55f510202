/** A collector of traces: a real server that takes OTLP as JSON over HTTP, and can be away, slow or broken. */
import { gunzipSync } from "node:zlib";
import { listenPlainly } from "../support/http-server.ts";
import { until } from "../support/until.ts";

export interface SeenSpan {
  readonly service: string;
  readonly host: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | null;
  readonly state: string | null;
  readonly kind: number;
  readonly failed: boolean;
  readonly startUs: number;
  readonly endUs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** What it does with requests: a status, or nothing at all. */
export type Mood = number | "silent";

export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly SeenSpan[];
  /** Everything that came, as text. */
  readonly bodies: readonly string[];
  readonly requests: readonly { readonly path: string; readonly headers: Headers }[];
  mood: Mood;
  /** Waits for spans of that name. */
  sees(name: string, count?: number): Promise<readonly SeenSpan[]>;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code: number };
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const STATUS_ERROR = 2;

export function startCollector(): Collector {
  const spans: SeenSpan[] = [];
  const bodies: string[] = [];
  const requests: { path: string; headers: Headers }[] = [];
  const state: { mood: Mood } = { mood: 200 };
  const server = listenPlainly("127.0.0.1:0", async (request) => {
    requests.push({ path: new URL(request.url).pathname, headers: request.headers });
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (state.mood === "silent") return new Promise<Response>(() => {});
    if (state.mood !== 200) return new Response("no", { status: state.mood });
    const isZipped = request.headers.get("content-encoding") === "gzip";
    const text = Buffer.from(isZipped ? gunzipSync(bytes) : bytes).toString();
    bodies.push(text);
    spans.push(...spansOf(JSON.parse(text) as OtlpRequest));
    return Response.json({});
  });
  return {
    url: server.url,
    spans,
    bodies,
    requests,
    get mood() {
      return state.mood;
    },
    set mood(mood) {
      state.mood = mood;
    },
    sees: (name, count = 1) =>
      until(
        () => {
          const found = spans.filter((span) => span.name === name);
          return found.length >= count ? found : null;
        },
        { what: `${count} spans ${name}` },
      ),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function spansOf({ resourceSpans }: OtlpRequest): SeenSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const about = attributesOf(resource.attributes);
    const service = String(about["service.name"]);
    const host = String(about["host.name"]);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ service, host, ...toSeen(span) })));
  });
}

function toSeen(span: OtlpSpan): Omit<SeenSpan, "service" | "host"> {
  const { traceId, spanId, name, kind, startTimeUnixNano, endTimeUnixNano } = span;
  return {
    name,
    traceId,
    spanId,
    parent: span.parentSpanId ?? null,
    state: span.traceState ?? null,
    kind,
    failed: span.status.code === STATUS_ERROR,
    startUs: Number(BigInt(startTimeUnixNano) / 1000n),
    endUs: Number(BigInt(endTimeUnixNano) / 1000n),
    attributes: attributesOf(span.attributes),
  };
}

function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const number = value.intValue === undefined ? value.doubleValue : Number(value.intValue);
      return [key, value.stringValue ?? number ?? value.boolValue ?? "?"];
    }),
  );
}
