/** Requests as bytes, broken in the ways in which bytes on a connection may be. */
import type { FuzzRequest } from "./fuzz-requests.ts";
import { pick } from "./schema-samples.ts";

export interface BrokenBytes {
  readonly what: string;
  readonly bytes: Uint8Array;
}

type Breaking = (message: Message, random: () => number) => Uint8Array;

interface Message {
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

const BREAKINGS: Readonly<Record<string, Breaking>> = {
  "as it is": (message) => bytesOf(message),
  chunked: ({ line, headers, body }) =>
    bytesOf(
      { line, headers: [...headers, "transfer-encoding: chunked"], body: chunksOf(body) },
      { declared: false },
    ),
  "a chunk without an end": ({ line, headers, body }) =>
    bytesOf(
      { line, headers: [...headers, "transfer-encoding: chunked"], body: chunksOf(body).subarray(0, -5) },
      { declared: false },
    ),
  "a chunk of a wild size": ({ line, headers, body }, random) =>
    bytesOf(
      {
        line,
        headers: [...headers, "transfer-encoding: chunked"],
        body: join(
          text(pick(["ffffffffffffffff\r\n", "-1\r\n", "zz\r\n", "\r\n", "1;a=b\r\n"], random) ?? ""),
          body,
        ),
      },
      { declared: false },
    ),
  "two lengths": ({ line, headers, body }) =>
    bytesOf(
      { line, headers: [...headers, `content-length: ${body.length}`, "content-length: 3"], body },
      { declared: false },
    ),
  "a length and chunks": ({ line, headers, body }) =>
    bytesOf(
      { line, headers: [...headers, `content-length: ${body.length}`, "transfer-encoding: chunked"], body },
      { declared: false },
    ),
  "a length that is none": ({ line, headers, body }, random) =>
    bytesOf(
      {
        line,
        headers: [
          ...headers,
          `content-length: ${pick(["-1", "1e3", "0x10", "99999999999999999999", " ", "3, 3"], random)}`,
        ],
        body,
      },
      { declared: false },
    ),
  "a longer length": ({ line, headers, body }) =>
    bytesOf(
      { line, headers: [...headers, `content-length: ${body.length + 10}`], body },
      { declared: false },
    ),
  "a shorter length": ({ line, headers, body }) =>
    bytesOf(
      { line, headers: [...headers, `content-length: ${Math.max(0, body.length - 3)}`], body },
      { declared: false },
    ),
  "cut off": (message, random) => {
    const bytes = bytesOf(message);
    return bytes.subarray(0, Math.floor(random() * bytes.length));
  },
  "one byte changed": (message, random) => {
    const bytes = Uint8Array.from(bytesOf(message));
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    return bytes;
  },
  "a long header": ({ line, headers, body }) =>
    bytesOf({ line, headers: [...headers, `x-long: ${"h".repeat(40_000)}`], body }),
  "many headers": ({ line, headers, body }) =>
    bytesOf({ line, headers: [...headers, ...Array.from({ length: 300 }, (_, i) => `x-${i}: ${i}`)], body }),
  "a header of control characters": ({ line, headers, body }) =>
    bytesOf({ line, headers: [...headers, "x-a: \u0000\u0001\u007f", "x b: c"], body }),
  "a folded header": ({ line, headers, body }) =>
    bytesOf({ line, headers: [...headers, "x-a: b\r\n  c"], body }),
  "line feeds alone": (message) =>
    text(Buffer.from(bytesOf(message)).toString("latin1").replaceAll("\r\n", "\n")),
  "another version": ({ line, headers, body }, random) =>
    bytesOf({
      line: line.replace(
        "HTTP/1.1",
        pick(["HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "http/1.1", ""], random) ?? "",
      ),
      headers,
      body,
    }),
  "the absolute form": ({ line, headers, body }) =>
    bytesOf({ line: line.replace(" /", " http://localhost/"), headers, body }),
  "a long path": ({ line, headers, body }) =>
    bytesOf({ line: line.replace(" HTTP", `?${"p".repeat(30_000)} HTTP`), headers, body }),
};

/** The request, broken in a way that chance chooses. */
export function brokenBytes(
  request: Pick<FuzzRequest, "method" | "path" | "headers" | "body">,
  random: () => number,
): BrokenBytes {
  const { method, path, headers, body } = request;
  const what = pick(Object.keys(BREAKINGS), random) ?? "as it is";
  const message = {
    line: `${method} ${path} HTTP/1.1`,
    headers: ["host: localhost", "connection: close", ...headers.map(([name, value]) => `${name}: ${value}`)],
    body: body ?? new Uint8Array(),
  };
  return { what, bytes: BREAKINGS[what]?.(message, random) ?? bytesOf(message) };
}

function bytesOf(
  { line, headers, body }: Message,
  { declared = true }: { readonly declared?: boolean } = {},
): Uint8Array {
  const length = declared && body.length > 0 ? [`content-length: ${body.length}`] : [];
  return join(text(`${[line, ...headers, ...length].join("\r\n")}\r\n\r\n`), body);
}

function chunksOf(body: Uint8Array): Uint8Array {
  const last = text("0\r\n\r\n");
  return body.length === 0 ? last : join(text(`${body.length.toString(16)}\r\n`), body, text("\r\n"), last);
}

function text(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, "latin1"));
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
