/** The status page as text for people and as JSON for scripts. */
import { shownText, textTable } from "../print.ts";
import { behindOf, type StatusLook } from "./look.ts";
import { ageText, type Health, type PartLook, type Problem } from "./part.ts";

const MARKS: Readonly<Record<Health, string>> = { well: "ok", notice: "note", unwell: "BAD", unknown: "-" };

/** A line for each part. */
export function pageLines({ parts, headSequence }: StatusLook): string[] {
  return textTable(
    ["", "part", "state", "sequence", "behind", "entry age", "poll age", "where", "what else"],
    parts.map((look) => [
      MARKS[look.health],
      look.part,
      look.state,
      String(look.sequence ?? "-"),
      String(behindOf(look, headSequence) ?? "-"),
      ageCell(look.entryAgeSeconds),
      ageCell(look.pollAgeSeconds),
      look.where,
      look.facts.join(", "),
    ]),
  );
}

function ageCell(seconds: number | null): string {
  return seconds === null ? "-" : ageText(seconds);
}

/** What is wrong with which part, and what to do about it. */
export function problemLines({ parts }: StatusLook): string[] {
  return parts.flatMap((look) => look.problems.flatMap((one) => linesOf(look, one)));
}

function linesOf({ part, where }: PartLook, { code, message, hint }: Problem): string[] {
  const line = `${part} ${where}: ${message}${code === null ? "" : ` [${code}]`}`;
  return [line, ...(hint === null ? [] : [`  hint: ${hint}`])].map(shownText);
}

/** One line for the end. */
export function verdict({ parts, well }: StatusLook): string {
  const unwell = parts.filter(({ health }) => health === "unwell").length;
  if (!well && unwell === 0) return "nothing was reached";
  return `${unwell} of ${parts.length} parts ${unwell === 1 ? "is" : "are"} not well`;
}

/** What the Executive says stands at the top, as it does. */
export function pageJson(look: StatusLook): unknown {
  const { well, headSequence, executive, near, ldb, parts } = look;
  const behind = ldb === null || headSequence === null ? null : headSequence - ldb.sequence;
  return {
    well,
    headSequence,
    ...executive,
    ...(executive === null ? {} : { nearLimits: near }),
    ...(ldb === null ? {} : { ldb: { ...ldb, behind } }),
    parts: parts.map((one) => {
      const { part, where, health, state, sequence, ...rest } = one;
      return { part, where, health, state, sequence, behind: behindOf(one, headSequence), ...rest };
    }),
  };
}
