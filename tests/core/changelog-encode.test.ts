/** The changelog's lines as they are put together, byte by byte. */
import { expect, test } from "bun:test";
import { LineBuffer, tableLines } from "../../core/changelog/encode.ts";
import { parseChangelogLine } from "../../core/changelog/parse.ts";
import { seededRandom, suiteSeed } from "../support/suite.ts";

test("a line is whole wherever the memory for lines ends", () => {
  const names = Array.from({ length: 40 }, (_, i) => ({ name: `k${i}`, type: "string" }));
  const table = tableLines("fam", "tbl", names);
  const empty = names.map(() => "");
  const alone = new LineBuffer(0);
  alone.add(1n, table, "upsert", empty, true);
  const expected = alone.text.toString("utf8");
  for (let left = 0; left < expected.length + 300; left++) {
    const buffer = new LineBuffer(64 * 1024 - left);
    buffer.add(1n, table, "upsert", empty, true);
    expect([left, buffer.text.toString("utf8")]).toEqual([left, expected]);
  }
});

test("a line is what JSON would make of it, for keys of any text", () => {
  const random = seededRandom(suiteSeed());
  const letters = ["a", "Z", "0", '"', "\\", "\n", "\0", "é", "😀", "\u2028", "\u007f", "'", " "];
  const text = () =>
    Array.from(
      { length: Math.floor(random() * 12) },
      () => letters[Math.floor(random() * letters.length)],
    ).join("");
  const table = tableLines("fam", "tbl", [
    { name: "s", type: "string" },
    { name: "n", type: "integer" },
  ]);
  const buffer = new LineBuffer(10);
  const expected: string[] = [];
  for (let i = 0; i < 2_000; i++) {
    const seq = random() < 0.1 ? 2n ** 62n + BigInt(i) : BigInt(Math.floor(random() * 2 ** 50));
    const n = random() < 0.3 ? -(2n ** 60n) + BigInt(i) : Math.floor((random() - 0.3) * 2 ** 40);
    const s = text();
    buffer.add(seq, table, "upsert", [s, n], i % 2 === 0);
    const end = i % 2 === 0 ? ',"end":true' : "";
    expected.push(
      `{"seq":${seq},"family":"fam","table":"tbl","key":[{"name":"s","type":"string","value":${JSON.stringify(s)}},{"name":"n","type":"integer","value":${n}}],"kind":"upsert"${end}}\n`,
    );
  }
  expect(buffer.text.toString("utf8")).toBe(expected.join(""));
  expect(buffer.lines).toBe(2_000);
  for (const line of expected.slice(0, 50)) expect(parseChangelogLine(line).kind).toBe("upsert");
});
