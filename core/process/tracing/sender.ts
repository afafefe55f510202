/** One way to a collector: OTLP as JSON over HTTP, with an end to every request whatever the other side does. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { messageOf } from "../../errors.ts";
import type { FetchLike } from "../fetch/fetch-like.ts";
import type { TraceSettings } from "./settings.ts";

export type SendOutcome =
  | { readonly status: "taken" }
  /** Sending the same again would come to the same. */
  | { readonly status: "refused"; readonly reason: string }
  /** May pass later. */
  | { readonly status: "away"; readonly reason: string };

/** Resolves always. */
export type Send = (body: Uint8Array, signal: AbortSignal) => Promise<SendOutcome>;

/** What OTLP names as worth another attempt. */
const PASSING = new Set([429, 502, 503, 504]);

export function createSender(
  { url, headers, requestMs, gzip: zipped }: Pick<TraceSettings, "url" | "headers" | "requestMs" | "gzip">,
  send: FetchLike,
): Send {
  const all = {
    ...headers,
    "content-type": "application/json",
    ...(zipped ? { "content-encoding": "gzip" } : {}),
  };
  return async (body, signal) => {
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(requestMs)]);
      const response = await send(url, {
        method: "POST",
        headers: all,
        // The type allows memory that threads share; this is not.
        body: (zipped ? await promisify(gzip)(body) : body) as Uint8Array<ArrayBuffer>,
        signal: limited,
        // A token must not be carried to somebody else.
        redirect: "manual",
      });
      // Read, so that the connection can be used again.
      await response.arrayBuffer();
      if (response.ok) return { status: "taken" };
      const reason = `the collector answers ${response.status}`;
      return { status: PASSING.has(response.status) ? "away" : "refused", reason };
    } catch (error) {
      return { status: "away", reason: messageOf(error) };
    }
  };
}
