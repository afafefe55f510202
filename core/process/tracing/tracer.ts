/**
 * Traces as ctlstore uses them: a tree of spans, one tree for what one request came to.
 *
 * Hardly more than types, so that whoever may leave a span knows nothing of OpenTelemetry and costs nothing where there is no tracer:
 * it is an optional dependency everywhere, and absent unless an operator asked for traces (`open.ts`). Nothing here throws
 * or waits. No value of a row, no cookie, no secret is ever an attribute (R45).
 */
import { isCtlstoreError } from "../../errors.ts";
import type { Logger } from "../logger.ts";

export type Attributes = Readonly<Record<string, string | number | bigint | boolean>>;

export interface SpanStart {
  /** What the span is seen from outside as. Default `internal`. */
  readonly kind?: "server" | "client" | "consumer" | "internal";
  readonly attributes?: Attributes;
  /** Microseconds since 1970; absent: now. */
  readonly startUs?: number;
}

export interface RootStart extends SpanStart {
  /** The `traceparent` of whoever asked for this; begins a new trace when it is absent, or no `traceparent`. */
  readonly parent?: string | null;
  /** The `tracestate` that came with it. */
  readonly state?: string | null;
}

export interface Tracer {
  /** Begins a span, in the trace of its parent or in a new one. Whether it is kept is decided here, for all below it. */
  start(name: string, start?: RootStart): Span;
}

export interface Span {
  /** False when nobody keeps it: everything done to it is for nothing. */
  readonly isSampled: boolean;
  readonly traceId: string;
  readonly spanId: string;
  /** For whoever goes on with the trace; it carries `isSampled` too. */
  readonly traceparent: string;
  /** Begins a span below this one. */
  child(name: string, start?: SpanStart): Span;
  set(attributes: Attributes): void;
  /** Marks it as failed. @param code of the error */
  fail(code: string): void;
  /** @param endUs microseconds since 1970; absent: now */
  end(endUs?: number): void;
}

/** What goes on with a trace elsewhere; empty where nothing is traced. */
export type Traced = { readonly traceparent?: string };

/** Runs a task in a span of its own, which fails when the task does; without a tracer, just runs it. */
export async function inSpan<T>(
  tracer: Tracer | undefined,
  name: string,
  start: () => RootStart,
  task: (traced: Traced) => Promise<T>,
): Promise<T> {
  if (tracer === undefined) return task({});
  const span = tracer.start(name, start());
  try {
    return await task({ traceparent: span.traceparent });
  } catch (error) {
    span.fail(isCtlstoreError(error) ? error.code : "internal");
    throw error;
  } finally {
    span.end();
  }
}

/** A logger whose lines can be found by the trace; the same logger when there is no span that is kept. */
export function withTrace(logger: Logger, span: Span | null | undefined): Logger {
  if (span?.isSampled !== true) return logger;
  return logger.child({ trace_id: span.traceId, span_id: span.spanId });
}
