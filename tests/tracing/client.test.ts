/** The client's part of a trace: which `traceparent` goes with which request, and that none of it ever fails a write. */
import { describe, expect, test } from "bun:test";
import { createClient, unwrap, Writer } from "../../client/index.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp, WRITER } from "../server/test-app.ts";

const traceparent = (digit: string) => `00-${digit.repeat(32)}-00f067aa0ba902b7-01`;
const ROW = { table: "item", values: { name: "eur" } };

/** The requests' `traceparent` by path, as they reach the Executive. */
function recording(app: TestApp) {
  const seen: [path: string, traceparent: string | null][] = [];
  const fetch = async (input: string, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    seen.push([new URL(input).pathname, request.headers.get("traceparent")]);
    return app.app.handle(request);
  };
  return { seen, fetch };
}

function writerOf(fetch: ReturnType<typeof recording>["fetch"], asked?: () => string | undefined): Writer {
  return new Writer({
    url: "http://localhost",
    writer: WRITER["ctlstore-writer"],
    secret: WRITER["ctlstore-secret"],
    family: "shop",
    fetch,
    ...(asked === undefined ? {} : { traceparent: asked }),
  });
}

const MUTATIONS = "/families/shop/mutations";

describe("a Writer", () => {
  test("sends the traceparent of the call, else what it is told when it is called, else none", async () => {
    await using app = await openTestApp();
    const { seen, fetch } = recording(app);
    let current: string | undefined = traceparent("1");
    const writer = writerOf(fetch, () => current);
    const first = writer.write([ROW]);
    // Its turn comes later, when something else is being done.
    current = traceparent("2");
    await Promise.all([first, writer.write([ROW]), writer.write([ROW], { traceparent: traceparent("3") })]);
    current = undefined;
    await writer.write([ROW]);
    expect(seen).toEqual([
      ["/cookie", traceparent("1")],
      [MUTATIONS, traceparent("1")],
      [MUTATIONS, traceparent("2")],
      [MUTATIONS, traceparent("3")],
      [MUTATIONS, null],
    ]);
  });

  test("writes all the same when its traceparent is none, or asking for it fails", async () => {
    await using app = await openTestApp();
    const { seen, fetch } = recording(app);
    const fails = () => {
      throw new Error("no context");
    };
    await writerOf(fetch, fails).write([ROW]);
    const writer = writerOf(fetch);
    for (const wrong of ["", "x", "\u263a", "a\r\nb: c", `${traceparent("1")}-more`])
      await writer.write([ROW], { traceparent: wrong });
    expect(seen.filter(([, sent]) => sent !== null)).toEqual([]);
    expect(seen.filter(([path]) => path === MUTATIONS)).toHaveLength(6);
  });
});

describe("a client", () => {
  test("sends the traceparent that it is told at each call, beside its token", async () => {
    await using app = await openTestApp();
    const { seen, fetch } = recording(app);
    const given = [traceparent("1"), undefined, "wrong"];
    const client = createClient("http://localhost", {
      adminToken: ADMIN_TOKEN,
      fetch,
      traceparent: () => given.shift(),
    });
    for (let i = 0; i < 3; i++) unwrap(await client.families.get());
    expect(seen.map(([, sent]) => sent)).toEqual([traceparent("1"), null, null]);
  });
});
