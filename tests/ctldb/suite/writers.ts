/** Writers: registered once, known by their secret. */
import { describe, expect, test } from "bun:test";
import { parseWriterName } from "../../../core/names.ts";
import type { ConformanceTarget } from "../conformance.ts";
import { bytes, count, failureOf, open, openFilled, request, SECRET, WRITER } from "../fixture.ts";

export function writerTests(target: ConformanceTarget): void {
  describe("a writer", () => {
    test("is registered once, and keeps its cookie, when the same secret comes again", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([], { family: null, cookie: bytes("kept") }));
      await ctldb.writers.register(WRITER, SECRET);
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("kept"));
      expect((await failureOf(ctldb.writers.register(WRITER, "another"))).code).toBe("writer_exists");
      await ctldb.write(request([count("a")]));
    });

    test("is one only when many register it at once with different secrets", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const name = parseWriterName("contested");
      const codes = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          (i % 2 === 0 ? first : second).writers.register(name, `s3cr3t-${i}`).then(
            () => "registered",
            (error) => error.code,
          ),
        ),
      );
      expect(codes.filter((code) => code === "registered")).toHaveLength(1);
      expect(codes.filter((code) => code === "writer_exists")).toHaveLength(9);
    });

    test("D3 is another one when its name differs in case, an accent or a blank", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const names = ["Name", "name", "náme", "name ", "na me", "名前です", "o'brien", 'a"b', "back\\slash"];
      for (const [i, name] of names.entries())
        await ctldb.writers.register(parseWriterName(name), `s3cr3t-${i}`);
      for (const [i, name] of names.entries()) {
        await ctldb.write(
          request([count(name, i)], {
            writer: parseWriterName(name),
            secret: `s3cr3t-${i}`,
            cookie: bytes(name),
          }),
        );
      }
      for (const [i, name] of names.entries()) {
        expect(await ctldb.readCookie(parseWriterName(name), `s3cr3t-${i}`)).toEqual(bytes(name));
      }
    });

    test("is refused alike when its name is unknown and when its secret is wrong", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const unknown = await failureOf(ctldb.readCookie(parseWriterName("nobody"), SECRET));
      const wrong = await failureOf(ctldb.readCookie(WRITER, "wrong"));
      expect([unknown.code, unknown.message]).toEqual([wrong.code, wrong.message]);
      expect(unknown.code).toBe("bad_credentials");
    });

    test("is not undone when a write fails while it is being registered", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const names = Array.from({ length: 10 }, (_, i) => parseWriterName(`new-${i}`));
      await Promise.all([
        ...names.map((name) => ctldb.writers.register(name, SECRET)),
        ...names.map((_, i) =>
          ctldb.write(request([count(`n${i}`)], { secret: "s3cr3t-wrong" })).catch(() => {}),
        ),
      ]);
      for (const name of names) expect(await ctldb.readCookie(name, SECRET)).toEqual(new Uint8Array());
    });
  });
}
