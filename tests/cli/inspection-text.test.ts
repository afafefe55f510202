/** Text of strangers on a terminal: columns stay aligned, lines fit, and nothing is obeyed. */

import { describe, expect, test } from "bun:test";
import { command } from "../../cli/command.ts";
import { historyLines } from "../../cli/inspection/history-lines.ts";
import { option, switchOption } from "../../cli/options.ts";
import { integer, text } from "../../cli/parsers.ts";
import { textTable } from "../../cli/print.ts";
import { runCommandLine } from "../../cli/run.ts";
import { cellsOf, fitCells } from "../../cli/text-width.ts";
import { fakeContext } from "./fake-context.ts";

const family = "👨‍👩‍👧";

describe("text on a terminal", () => {
  test.each([
    ["", 0],
    ["plain", 5],
    ["naïve", 5],
    ["e\u0301", 1],
    ["日本語", 6],
    ["한글", 4],
    ["ﾊﾝｶｸ", 4],
    ["😀!", 3],
    [family, 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["\u200b", 0],
  ])("takes as many cells as it is shown in: %p", (given, cells) => {
    expect(cellsOf(given)).toBe(cells);
  });

  test("is cut between what people take for characters, and says that it was", () => {
    expect(fitCells("plain", 5)).toBe("plain");
    expect(fitCells("plainly", 5)).toBe("plai…");
    expect(fitCells("日本語", 5)).toBe("日本…");
    expect(fitCells("日本語", 4)).toBe("日…");
    expect(fitCells(`a${family}bc`, 4)).toBe(`a${family}…`);
    expect(fitCells("e\u0301e\u0301e\u0301", 2)).toBe("e\u0301…");
    expect(fitCells("abc", 0)).toBe("…");
  });

  test("keeps the columns of a table aligned, and orders of a terminal do nothing", () => {
    const lines = textTable(
      ["name", "value"],
      [
        ["日本", "x"],
        ["plain", "\u001b[2Jy"],
        ["\u009b31m", "z"],
      ],
    );
    expect(lines).toEqual(["NAME       VALUE", "日本       x", "plain      \\u001b[2Jy", "\\u009b31m  z"]);
  });
});

describe("an option", () => {
  const seen: unknown[] = [];
  const echo = command({
    name: "echo",
    summary: "echo",
    options: {
      lines: option({
        flag: "lines",
        short: "n",
        placeholder: "N",
        help: "a number",
        parse: integer({ min: 0, max: 9 }),
        fallback: 5,
      }),
      follow: switchOption({ flag: "follow", short: "f", help: "a switch" }),
      place: option({
        flag: "place",
        placeholder: "URL",
        help: "given here alone",
        parse: text,
        fallback: "nowhere",
        onlyFlag: true,
      }),
    },
    examples: ["echo"],
    run: async (_context, { lines, follow, place }) => void seen.push({ lines, follow, place }),
  });
  const run = async (...args: string[]) => {
    const context = fakeContext({ environment: { CTLSTORE_PLACE: "everywhere", CTLSTORE_LINES: "7" } });
    const code = await runCommandLine(["echo", ...args], context, { commands: [echo], groups: {} });
    return { code, seen: seen.pop(), out: context.outLines.join("\n") };
  };

  test("may be given by its letter", async () => {
    expect((await run("-n", "3", "-f")).seen).toMatchObject({ lines: 3, follow: true });
    expect((await run("-fn3")).seen).toMatchObject({ lines: 3, follow: true });
    expect((await run()).seen).toMatchObject({ lines: 7, follow: false });
    expect((await run("--help")).out).toMatch(/-n, --lines <N> +a number \(default: 5; CTLSTORE_LINES\)/);
  });

  test("that only a flag gives takes no variable, and its help names none", async () => {
    expect((await run()).seen).toMatchObject({ place: "nowhere" });
    expect((await run("--place", "here")).seen).toMatchObject({ place: "here" });
    expect((await run("--help")).out).toMatch(/given here alone \(default: nowhere\)/);
  });
});

test("I12 a history shows integers beyond 2^53 as numbers, and digits that are text in quotes", () => {
  const table = {
    fields: [
      { name: "id", type: "string" },
      { name: "stock", type: "integer" },
      { name: "label", type: "text" },
    ],
    keyFields: ["id"],
  };
  const change = {
    sequence: 2,
    transaction: 2,
    timestamp: "2026-01-01T00:00:00.000000Z",
    writer: "importer",
    kind: "upsert",
    old: { id: "a", stock: "9007199254740993", label: "1" },
    new: { id: "a", stock: 5, label: "2" },
  } as const;
  const [, ...lines] = historyLines([change], table).map((line) => line.replace(/^.* {2,}/, ""));
  expect(lines).toEqual(["stock: 9007199254740993 → 5", 'label: "1" → "2"']);
});
