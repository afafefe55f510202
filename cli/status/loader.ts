/** A loader on the status page. */
import { type AskOptions, ask, problemOf, refused, type Target, unreached } from "./ask.ts";
import { type Document, documentIn, listIn, numberIn, textIn } from "./document.ts";
import { ageText, type Health, type PartLook, type Problem, part, problem, withProblems } from "./part.ts";

export async function lookAtLoader(target: Target, options: AskOptions): Promise<PartLook | null> {
  const asked = await ask(target, "/status", options);
  if ("problem" in asked) return unreached("loader", target, asked.problem);
  const refusal = problemOf(asked.answer);
  return refusal === null ? describe(target.address, asked.answer.body) : refused("loader", target, refusal);
}

const HEALTH_OF_STATE: Readonly<Record<string, Health>> = {
  current: "well",
  loading: "well",
  standby: "well",
  starting: "notice",
  stopping: "notice",
};

function describe(where: string, status: Document): PartLook {
  const state = textIn(status["state"]) ?? "unknown";
  const lagEvents = numberIn(status["lagEvents"]);
  const lagSeconds = numberIn(status["lagSeconds"]);
  const lanes = listIn(status["lanes"]).length;
  const look = part({
    part: "loader",
    where,
    state,
    health: HEALTH_OF_STATE[state] ?? "unwell",
    facts: [
      `${lanes} ${lanes === 1 ? "lane" : "lanes"}`,
      ...(lagEvents === null ? [] : [`${lagEvents} events behind Kafka`]),
      ...(lagSeconds === null ? [] : [`by ${ageText(lagSeconds)}`]),
    ],
  });
  const problems = [...awayOf(status), ...missingOf(status), ...lanesInConflict(status)];
  if (problems.length > 0 || look.health !== "unwell") return withProblems(look, problems);
  return withProblems(look, [problem(`It is ${state}`)]);
}

function awayOf(status: Document): Problem[] {
  return listIn(status["waitingFor"]).flatMap((one) => {
    const waiting = documentIn(one);
    const what = textIn(waiting?.["what"]);
    return what === null
      ? []
      : [problem(`It waits: cannot ${what}: ${textIn(waiting?.["reason"]) ?? "unknown"}`)];
  });
}

function missingOf(status: Document): Problem[] {
  const topics = listIn(status["missingTopics"]).flatMap((topic) => textIn(topic) ?? []);
  return topics.length === 0
    ? []
    : [problem(`Kafka has no topic ${topics.join(", ")}`, { code: "kafka_topic_unknown" })];
}

function lanesInConflict(status: Document): Problem[] {
  return listIn(status["lanes"]).flatMap((one) => {
    const lane = documentIn(one);
    const why = textIn(lane?.["why"]);
    if (lane?.["state"] === "conflict")
      return [problem(`Another loader moves lane ${textIn(lane["name"]) ?? "?"}`, { code: "loader_fenced" })];
    return why === null ? [] : [problem(`Lane ${textIn(lane?.["name"]) ?? "?"} waits: ${why}`)];
  });
}
