/** Cookies: they move with their mutations, and only when the check holds (I3). */
import { describe, expect, test } from "bun:test";
import type { ConformanceTarget } from "../conformance.ts";
import {
  bytes,
  count,
  expectConsistent,
  failureOf,
  open,
  openFilled,
  request,
  SECRET,
  settled,
  stateOf,
  WRITER,
} from "../fixture.ts";

export function cookieTests(target: ConformanceTarget): void {
  describe("a cookie", () => {
    test("I3 moves together with the mutations when the check holds", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(new Uint8Array());
      const first = Uint8Array.from({ length: 256 }, (_, i) => i);
      await ctldb.write(request([count("a")], { cookie: first, checkCookie: new Uint8Array() }));
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(first);
      await ctldb.write(request([count("b")], { cookie: bytes("2"), checkCookie: first }));
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("2"));
    });

    test("I3 stays, as the rows do, when the check fails", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a")], { cookie: bytes("one") }));
      const before = await stateOf(url, ctldb);
      for (const checkCookie of [
        bytes("two"),
        bytes("One"),
        bytes("one\u0000"),
        bytes("one "),
        new Uint8Array(),
      ]) {
        const error = await failureOf(
          ctldb.write(request([count("b")], { cookie: bytes("x"), checkCookie })),
        );
        expect(error.code).toBe("cookie_conflict");
      }
      expect(await stateOf(url, ctldb)).toEqual(before);
    });

    test("stays as it is when the request brings none", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a")], { cookie: bytes("kept") }));
      await ctldb.write(request([count("b")]));
      await ctldb.write(request([count("c")], { checkCookie: bytes("kept") }));
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("kept"));
    });

    test("moves without a ledger entry when the request has no mutations", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const { headSequence } = await ctldb.status();
      const result = await ctldb.write(request([], { family: null, cookie: bytes("alone") }));
      expect(result.sequence).toBe(headSequence);
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("alone"));
      const erased = await ctldb.write(
        request([], { family: null, cookie: new Uint8Array(), checkCookie: bytes("alone") }),
      );
      expect(erased.sequence).toBe(headSequence);
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(new Uint8Array());
      await expectConsistent(url);
    });

    test("I3 lets exactly one of many through when all check the same one", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const ends = await settled(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 === 0 ? first : second).write(
            request([count(`n${i}`, i)], { cookie: bytes(`c${i}`), checkCookie: new Uint8Array() }),
          ),
        ),
      );
      const winners = ends.flatMap((end, i) => ("sequence" in end ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(new Set(ends.flatMap((end) => ("code" in end ? [end.code] : [])))).toEqual(
        new Set(["cookie_conflict"]),
      );
      const winner = winners[0] ?? -1;
      expect(await second.readCookie(WRITER, SECRET)).toEqual(bytes(`c${winner}`));
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]?.rows).toEqual([`text "n${winner}"|integer ${winner}`]);
    });

    test("I3 follows a chain of checks when all of it is sent at once", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const ends = await settled(
        Array.from({ length: 30 }, (_, i) =>
          ctldb.write(
            request([count("n", i)], {
              checkCookie: i === 0 ? new Uint8Array() : bytes(`${i - 1}`),
              cookie: bytes(`${i}`),
            }),
          ),
        ),
      );
      const sequences = ends.map((end) => ("sequence" in end ? end.sequence : -1n));
      expect(sequences).toEqual(sequences.map((_, i) => (sequences[0] ?? 0n) + BigInt(i)));
      expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toEqual(['text "n"|integer 29']);
    });
  });
}
