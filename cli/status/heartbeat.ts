/** A heartbeat's own word on the status page: what it believes, whatever has arrived. */
import { type AskOptions, ask, problemOf, type Target, unreached } from "./ask.ts";
import { numberIn, problemIn, sequenceIn, textIn } from "./document.ts";
import { ageText, type PartLook, part, problem, withProblems } from "./part.ts";

export async function lookAtHeartbeatService(target: Target, options: AskOptions): Promise<PartLook | null> {
  const asked = await ask(target, "/status", options);
  if ("problem" in asked) return unreached("heartbeat", target, asked.problem);
  const { body } = asked.answer;
  const state = textIn(body["state"]) ?? "unknown";
  const age = numberIn(body["ageSeconds"]);
  const look = part({
    part: "heartbeat",
    where: target.address,
    health: state === "starting" ? "notice" : "well",
    state,
    sequence: null,
    facts: [
      ...(age === null ? [] : [`last beat ${ageText(age)} ago`]),
      ...(body["lastSequence"] === null ? [] : [`at ${sequenceIn(body["lastSequence"]) ?? "?"}`]),
    ],
  });
  const isWell = state === "beating" || state === "starting";
  const found =
    problemOf(asked.answer) ?? problemIn(body["reason"]) ?? (isWell ? null : problem(`It is ${state}`));
  return withProblems(look, found === null ? [] : [found]);
}
