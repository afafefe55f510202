/** Our tracer on OpenTelemetry's. */
import {
  type Context,
  createTraceState,
  type HrTime,
  type Span as OtelApiSpan,
  type Tracer as OtelApiTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { TRACE_LIMITS } from "../../limits.ts";
import type { Clock } from "../clock.ts";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";
import type { Attributes, RootStart, Span, SpanStart, Tracer } from "./tracer.ts";

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

interface Deps {
  readonly tracer: OtelApiTracer;
  readonly clock: Pick<Clock, "nowUs">;
}

export class OtelTracer implements Tracer {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(name: string, { parent, state, ...start }: RootStart = {}): Span {
    return begin(this.#deps, name, start, contextOf(parent, state));
  }
}

function begin(deps: Deps, name: string, start: SpanStart, context: Context): OtelSpan {
  const { kind = "internal", attributes = {}, startUs = deps.clock.nowUs() } = start;
  const options = { kind: KINDS[kind], attributes: toOtel(attributes), startTime: hrTime(startUs) };
  return new OtelSpan(deps, deps.tracer.startSpan(name, options, context));
}

/** The context in which a request's first span begins: below its caller's span, if it names one. */
function contextOf(parent: string | null | undefined, state: string | null | undefined): Context {
  const remote = parseTraceparent(parent);
  if (remote === null) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = remote;
  const hasState = state !== null && state !== undefined && state.length <= TRACE_LIMITS.stateChars;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(hasState ? { traceState: createTraceState(state) } : {}),
  });
}

class OtelSpan implements Span {
  readonly isSampled: boolean;
  readonly traceId: string;
  readonly spanId: string;
  readonly #deps: Deps;
  readonly #span: OtelApiSpan;

  constructor(deps: Deps, span: OtelApiSpan) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.#deps = deps;
    this.#span = span;
    this.traceId = traceId;
    this.spanId = spanId;
    this.isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  get traceparent(): string {
    return formatTraceparent(this);
  }

  child(name: string, start: SpanStart = {}): Span {
    if (!this.isSampled) return this;
    return begin(this.#deps, name, start, trace.setSpan(ROOT_CONTEXT, this.#span));
  }

  set(attributes: Attributes): void {
    if (this.isSampled) this.#span.setAttributes(toOtel(attributes));
  }

  fail(code: string): void {
    this.set({ "error.type": code });
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(endUs: number = this.#deps.clock.nowUs()): void {
    if (this.isSampled) this.#span.end(hrTime(endUs));
  }
}

function hrTime(us: number): HrTime {
  return [Math.floor(us / 1_000_000), Math.round(us % 1_000_000) * 1_000];
}

/** Numbers where they are exact. */
function toOtel(attributes: Attributes): Record<string, string | number | boolean> {
  const entries = Object.entries(attributes).map(([name, value]) => {
    if (typeof value !== "bigint") return [name, value];
    return [name, value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()];
  });
  return Object.fromEntries(entries);
}
