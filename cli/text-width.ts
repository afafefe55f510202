/**
 * How wide text is on a terminal: columns stay aligned, and lines fit, whatever letters values have.
 *
 * Counted by what a person sees as one character: two cells for those of East Asia and for emoji, one for the others,
 * marks included. On Bun and on Node.
 */

const ASCII = /^[\x20-\x7e]*$/;

/** Of East Asian width W or F, or shown as an emoji. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\ufe0f|\p{Emoji_Presentation}/u;

/** What has no width of its own, where it stands alone. */
const EMPTY = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

let segmenter: Intl.Segmenter | null = null;

function* characters(text: string): Generator<{ readonly character: string; readonly cells: number }> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) {
    yield { character: segment, cells: WIDE.test(segment) ? 2 : EMPTY.test(segment) ? 0 : 1 };
  }
}

/** Cells that the text takes. It must hold nothing that a terminal obeys (`shownText`). */
export function cellsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let sum = 0;
  for (const { cells } of characters(text)) sum += cells;
  return sum;
}

/** The text with spaces behind it, so that it takes so many cells; as it is where it takes more. */
export function padCells(text: string, cells: number): string {
  return text + " ".repeat(Math.max(0, cells - cellsOf(text)));
}

/** The beginning of the text that fits into so many cells, with "…" where something was cut off. */
export function fitCells(text: string, most: number): string {
  let fitted = "";
  let used = 0;
  // Of a long text no more than its beginning is looked at.
  for (const { character, cells } of characters(text)) {
    if (used + cells > most) return `${fitted}…`;
    used += cells;
    // The "…" takes a cell as well.
    if (used < most || used === 0) fitted += character;
  }
  return text;
}
