/** A Reflector on the status page. */
import { STATUS_LIMITS } from "../../core/limits.ts";
import { type AskOptions, ask, problemOf, refused, type Target, unreached } from "./ask.ts";
import { type Document, documentIn, listIn, numberIn, problemIn, sequenceIn, textIn } from "./document.ts";
import { ageText, type Health, type PartLook, type Problem, part, problem, withProblems } from "./part.ts";

/** The look, and the head of the ledger that it knows. */
export interface ReflectorLook {
  readonly look: PartLook;
  readonly headSequence: bigint | null;
}

export async function lookAtReflector(target: Target, options: AskOptions): Promise<ReflectorLook | null> {
  const asked = await ask(target, "/status", options);
  if ("problem" in asked) {
    const look = unreached("reflector", target, asked.problem);
    return look === null ? null : { look, headSequence: null };
  }
  const { body } = asked.answer;
  // Whoever else may listen where a Reflector usually does.
  if (!target.isNamed && textIn(body["state"]) === null) return null;
  const refusal = problemOf(asked.answer);
  if (refusal === null)
    return { look: describe(target.address, body), headSequence: sequenceIn(body["ledgerHeadSequence"]) };
  return { look: refused("reflector", target, refusal), headSequence: null };
}

const HEALTH_OF_STATE: Readonly<Record<string, Health>> = {
  current: "well",
  "catching-up": "well",
  starting: "notice",
  bootstrapping: "notice",
};

function describe(where: string, status: Document): PartLook {
  const state = textIn(status["state"]) ?? "unknown";
  const bootstrap = documentIn(status["bootstrap"]);
  const look = part({
    part: "reflector",
    where,
    state,
    health: HEALTH_OF_STATE[state] ?? "unwell",
    sequence: sequenceIn(status["sequence"]),
    epoch: textIn(status["epoch"]),
    entryAgeSeconds: numberIn(status["lagSeconds"]),
    pollAgeSeconds: pollAge(status),
    facts: [...factsOf(status), ...(bootstrap === null ? [] : [bootstrapFact(bootstrap)])],
  });
  const noticed =
    look.health === "well" && noticesOf(status).length > 0 ? { ...look, health: "notice" as const } : look;
  return withProblems({ ...noticed, facts: [...look.facts, ...noticesOf(status)] }, problemsOf(status, look));
}

/** Reflectors of before tell the time alone, by their own clock. */
function pollAge(status: Document): number | null {
  const age = numberIn(status["pollAgeSeconds"]);
  if (age !== null) return age;
  const atUs = numberIn(status["lastPollAtUs"]);
  return atUs === null ? null : Date.now() / 1000 - atUs / 1_000_000;
}

function factsOf(status: Document): string[] {
  const version = textIn(status["version"]);
  const isReady = documentIn(status["readiness"])?.["ready"];
  return [
    ...(version === null ? [] : [`ctlstore ${version}`]),
    ...(typeof isReady === "boolean" ? [isReady ? "ready" : "not ready"] : []),
  ];
}

/** What is no failure, and should be known. */
function noticesOf(status: Document): string[] {
  const skips = listIn(status["skips"]).length;
  const blocker = documentIn(documentIn(status["ldb"])?.["walBlockedBy"]);
  return [
    ...(skips === 0 ? [] : [`passed over ${skips} ledger entries`]),
    ...(blocker === null ? [] : ["a reader keeps its write-ahead log from being cut"]),
  ];
}

function bootstrapFact(bootstrap: Document): string {
  const [bytes, total] = [numberIn(bootstrap["bytes"]) ?? 0, numberIn(bootstrap["totalBytes"]) ?? 0];
  const progress = total > 0 ? `, ${Math.floor((100 * bytes) / total)} %` : "";
  return `bootstrap: ${textIn(bootstrap["phase"]) ?? "under way"}${progress}`;
}

function problemsOf(status: Document, { state, pollAgeSeconds }: PartLook): Problem[] {
  const reason = problemIn(status["reason"]);
  const failure = problemIn(documentIn(status["bootstrap"])?.["failure"]);
  if (reason !== null) return [reason];
  if (failure !== null) return [failure];
  if (status["stuck"] === true || HEALTH_OF_STATE[state] === undefined)
    return [problem(`It is ${state}, and does not get on`)];
  if (pollAgeSeconds !== null && pollAgeSeconds > STATUS_LIMITS.pollSeconds)
    return [problem(`The ledger last answered it ${ageText(pollAgeSeconds)} ago`)];
  return [];
}
