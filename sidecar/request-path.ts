/** The path of a request, taken apart without a router: it is the first thing that every read pays for. */
import { CtlstoreError } from "../core/errors.ts";

export interface RequestPath {
  /** The first segment, such as `get-row-by-key`, as it was sent. */
  readonly name: string;
  /** Those behind it, as they were sent. */
  readonly segments: readonly string[];
  /** Without "?". */
  readonly query: string;
}

const NONE: readonly string[] = [];

export function requestPathOf(url: string): RequestPath {
  const start = pathStart(url);
  const mark = url.indexOf("?", start);
  const end = mark < 0 ? url.length : mark;
  const query = mark < 0 ? "" : url.slice(mark + 1);
  const slash = url.indexOf("/", start + 1);
  if (slash < 0 || slash >= end) return { name: url.slice(start + 1, end), segments: NONE, query };
  return {
    name: url.slice(start + 1, slash),
    segments: url.slice(slash + 1, end).split("/"),
    query,
  };
}

/** Of a request that names no host, as many health checks of HTTP/1.0 do, Bun gives the path alone. */
function pathStart(url: string): number {
  if (url.startsWith("/")) return 0;
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start < 0 ? url.length : start;
}

/** @throws CtlstoreError `malformed_request` */
export function decoded(segments: readonly string[]): readonly string[] {
  return segments.some((segment) => segment.includes("%")) ? segments.map(decode) : segments;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new CtlstoreError("malformed_request", "Cannot read the path: it is not percent-encoded UTF-8", {
      cause,
    });
  }
}
