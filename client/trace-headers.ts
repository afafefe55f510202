/** The headers by which a trace goes on from a caller to the Executive. */
import { parseTraceparent } from "../core/process/tracing/traceparent.ts";

export type TraceHeaders = { readonly traceparent?: string };

const NONE: TraceHeaders = {};

/**
 * None for what is no `traceparent`: it might not even be what a header can hold.
 * @param given itself, or what to ask for it
 */
export function traceHeaders(given: string | (() => string | undefined) | undefined): TraceHeaders {
  const traceparent = typeof given === "function" ? asked(given) : given;
  return traceparent === undefined || parseTraceparent(traceparent) === null ? NONE : { traceparent };
}

/** Whatever goes wrong with a trace, the write goes on. */
function asked(ask: () => string | undefined): string | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
