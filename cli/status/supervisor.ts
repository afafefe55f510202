/** A Supervisor on the status page. */
import { type AskOptions, ask, problemOf, refused, type Target, unreached } from "./ask.ts";
import { type Document, documentIn, numberIn, problemIn, sequenceIn, textIn } from "./document.ts";
import { ageText, type Health, type PartLook, part, problem, withProblems } from "./part.ts";

export async function lookAtSupervisor(target: Target, options: AskOptions): Promise<PartLook | null> {
  const asked = await ask(target, "/status", options);
  if ("problem" in asked) return unreached("supervisor", target, asked.problem);
  const refusal = problemOf(asked.answer);
  return refusal === null
    ? describe(target.address, asked.answer.body)
    : refused("supervisor", target, refusal);
}

const HEALTH_OF_STATE: Readonly<Record<string, Health>> = {
  waiting: "well",
  freezing: "well",
  publishing: "well",
  starting: "notice",
};

function describe(where: string, status: Document): PartLook {
  const state = textIn(status["state"]) ?? "unknown";
  const latest = documentIn(status["latest"]);
  const reflector = documentIn(status["reflector"]);
  const reason = problemIn(status["reason"]);
  const look = part({
    part: "supervisor",
    where,
    state,
    health: HEALTH_OF_STATE[state] ?? "unwell",
    // Of its own LDB, from which the next snapshot is made.
    sequence: sequenceIn(reflector?.["sequence"]),
    epoch: textIn(reflector?.["epoch"]),
    entryAgeSeconds: numberIn(reflector?.["lagSeconds"]),
    pollAgeSeconds: numberIn(reflector?.["pollAgeSeconds"]),
    facts:
      latest === null
        ? ["nothing published yet"]
        : [latestFact(latest, numberIn(status["latestAgeSeconds"]))],
  });
  if (reason !== null) return withProblems(look, [reason]);
  return look.health === "unwell" ? withProblems(look, [problem(`It is ${state}`)]) : look;
}

function latestFact(latest: Document, ageSeconds: number | null): string {
  const age = ageSeconds === null ? "" : `, ${ageText(ageSeconds)} old`;
  return `newest snapshot at ${sequenceIn(latest["sequence"]) ?? "?"}${age}`;
}
