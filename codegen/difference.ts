/** Whether a module on disk is the one that would be written, and what differs: for `ctlstore codegen --check`. */

/** Lines of sameness shown around a difference. */
const CONTEXT_LINES = 2;

/** Cells of the table of common lengths beyond which lines are shown as replaced: a person reads no more of it anyway. */
const MOST_CELLS = 4_000_000;

/**
 * True when two modules differ in their formatting at most, since a project formats its files its own way.
 *
 * Only what formatters change is left out. That two texts of different schemas become the same is not possible: the
 * schema's fingerprint is in them.
 */
export function isSameModule(a: string, b: string): boolean {
  return withoutFormat(a) === withoutFormat(b);
}

function withoutFormat(text: string): string {
  return text
    .replaceAll("'", '"')
    .replace(/[\s;]/g, "")
    .replace(/,(?=[\]})]|$)/g, "")
    .replaceAll(":|", ":");
}

interface Line {
  readonly text: string;
  readonly plain: string;
}

function linesOf(text: string): Line[] {
  return text.split("\n").map((line) => ({ text: line, plain: withoutFormat(line) }));
}

/**
 * Lines to remove (`-`), to add (`+`), and some around them; parts far from one another are separated by `…`. Lines that
 * are only formatted otherwise count as the same.
 */
export function differenceLines(from: string, to: string): string[] {
  const marked = markLines(linesOf(from), linesOf(to));
  const isShown = (at: number) =>
    marked.slice(Math.max(0, at - CONTEXT_LINES), at + CONTEXT_LINES + 1).some((line) => line[0] !== " ");
  const lines: string[] = [];
  let wasLeftOut = false;
  marked.forEach((line, at) => {
    if (!isShown(at)) {
      wasLeftOut = true;
      return;
    }
    if (wasLeftOut && lines.length > 0) lines.push("…");
    wasLeftOut = false;
    lines.push(line.trimEnd());
  });
  return lines;
}

/** Every line of both, each once, behind a space, `-` or `+`. What both begin and end with is set aside first. */
function markLines(from: readonly Line[], to: readonly Line[]): string[] {
  let start = 0;
  while (start < Math.min(from.length, to.length) && from[start]?.plain === to[start]?.plain) start += 1;
  const most = Math.min(from.length, to.length) - start;
  let end = 0;
  while (end < most && from.at(-1 - end)?.plain === to.at(-1 - end)?.plain) end += 1;
  return [
    ...marked(" ", from.slice(0, start)),
    ...markDifferent(from.slice(start, from.length - end), to.slice(start, to.length - end)),
    ...marked(" ", from.slice(from.length - end)),
  ];
}

function marked(mark: string, lines: readonly Line[]): string[] {
  return lines.map(({ text }) => `${mark}${text}`);
}

/** By the longest common subsequence. */
function markDifferent(from: readonly Line[], to: readonly Line[]): string[] {
  if (from.length * to.length > MOST_CELLS) return [...marked("-", from), ...marked("+", to)];
  const common = commonLengths(from, to);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < from.length && j < to.length) {
    if (from[i]?.plain === to[j]?.plain) {
      lines.push(...marked(" ", from.slice(i, i + 1)));
      i += 1;
      j += 1;
    } else if ((common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)) {
      lines.push(...marked("-", from.slice(i, i + 1)));
      i += 1;
    } else {
      lines.push(...marked("+", to.slice(j, j + 1)));
      j += 1;
    }
  }
  return [...lines, ...marked("-", from.slice(i)), ...marked("+", to.slice(j))];
}

/** `[i][j]`: how many lines the rests from `i` and from `j` have in common, in order. */
function commonLengths(from: readonly Line[], to: readonly Line[]): Uint32Array[] {
  const lengths = Array.from({ length: from.length + 1 }, () => new Uint32Array(to.length + 1));
  for (let i = from.length - 1; i >= 0; i--) {
    const [row, below] = [lengths[i], lengths[i + 1]];
    if (row === undefined || below === undefined) continue;
    for (let j = to.length - 1; j >= 0; j--) {
      const isSame = from[i]?.plain === to[j]?.plain;
      row[j] = isSame ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
