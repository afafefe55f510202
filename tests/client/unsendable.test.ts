/** R45: secrets that no request can carry are refused by us; `fetch` of Node would name them in its reason. */
import { expect, test } from "bun:test";
import { createClient, Writer } from "../../client/index.ts";
import { isCtlstoreError } from "../../core/errors.ts";
import { testSecret } from "../support/secrets.ts";

const URL = "http://127.0.0.1:1";
const SECRET = testSecret("two-lines");

const uses: ReadonlyArray<readonly [string, (text: string) => unknown]> = [
  ["a writer's secret", (secret) => new Writer({ url: URL, writer: "importer", secret, family: "shop" })],
  ["a writer's name", (writer) => new Writer({ url: URL, writer, secret: SECRET, family: "shop" })],
  ["an admin token", (adminToken) => createClient(URL, { adminToken })],
];

test.each(uses)("R45 %s with a control character is refused at once, and not shown", (_, use) => {
  for (const text of [`${SECRET}\nmore`, `more\r\n${SECRET}`, `${SECRET}\u0000x`, `${SECRET}\u007fx`]) {
    let error: unknown;
    try {
      use(text);
    } catch (thrown) {
      error = thrown;
    }
    if (!isCtlstoreError(error)) throw new Error("it was not refused");
    expect(error.code).toBe("config_invalid");
    expect(Bun.inspect(error)).not.toContain(SECRET);
  }
});

test.each(uses)("%s with white space around it is taken, as `fetch` takes it", (_, use) => {
  for (const text of [`${SECRET}\n`, ` ${SECRET}\r\n`]) expect(() => use(text)).not.toThrow();
});
