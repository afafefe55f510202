/**
 * The span of each request, for where traces are wanted: it goes on with the caller's trace, and says what was asked by
 * route, never by path, with the writer and the family where they are known. No header, no key and no value is in it (R45).
 *
 * The front door notes it beside the request, as it does who the caller is (`access/actor.ts`); a route finds it there.
 */
import type { Logger } from "../core/process/logger.ts";
import { type Attributes, type Span, type Tracer, withTrace } from "../core/process/tracing/tracer.ts";
import { errorAnswer, toCtlstoreError } from "./error-answer.ts";

/** A request is forgotten with its last reference. */
const spans = new WeakMap<Request, Span>();

/** What is asked for many times a minute by machines that only want to know whether we are there. */
const UNTRACED = new Set(["/healthz", "/readyz", "/metrics"]);

/** Begins the span of a request; null without a tracer, and for what is not worth one. */
export function beginRequest(
  tracer: Tracer | undefined,
  request: Request,
  { route, method }: { readonly route: string; readonly method: string },
): Span | null {
  if (tracer === undefined || UNTRACED.has(route)) return null;
  return tracer.start(`${method} ${route}`, {
    kind: "server",
    parent: request.headers.get("traceparent"),
    state: request.headers.get("tracestate"),
    attributes: { "http.request.method": method, "http.route": route },
  });
}

/** @param status of the answer */
export function endRequest(span: Span | null, status: number): void {
  if (span === null) return;
  span.set({ "http.response.status_code": status });
  span.end();
}

/** Lets the routes find the span; one that nobody keeps is not worth finding. */
export function noteSpan(request: Request, span: Span | null): void {
  if (span?.isSampled === true) spans.set(request, span);
}

/** The span of a request that is traced. */
export function spanOf(request: Request): Span | undefined {
  return spans.get(request);
}

/** Adds to the span of a request, if it is traced. */
export function tellTrace(request: Request, attributes: Attributes): void {
  spans.get(request)?.set(attributes);
}

/** `errorAnswer`, with the error's code in the trace, and the trace in the log. */
export function tracedErrorAnswer(thrown: unknown, request: Request, logger: Logger): Response {
  const span = spans.get(request);
  const response = errorAnswer(thrown, withTrace(logger, span));
  if (span === undefined) return response;
  const { code } = toCtlstoreError(thrown);
  span.set({ "ctlstore.error_code": code });
  // What the caller did wrong is no failure of the Executive.
  if (response.status >= 500) span.fail(code);
  return response;
}
