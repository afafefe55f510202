/** A sidecar on the status page: whether it can read, and how old what it reads is. */
import { type Answer, type AskOptions, ask, problemOf, type Target, unreached } from "./ask.ts";
import { type Document, numberIn, sequenceIn, textIn } from "./document.ts";
import { type PartLook, part, problem, withProblems } from "./part.ts";

export async function lookAtSidecar(target: Target, given: AskOptions): Promise<PartLook | null> {
  // For both questions together.
  const limit = AbortSignal.timeout(1000 * given.timeoutSeconds);
  const options = { ...given, signal: AbortSignal.any([given.signal, limit]) };
  const asked = await ask(target, "/status", options);
  if ("answer" in asked && textIn(asked.answer.body["state"]) !== null)
    return describe(target.address, asked.answer.body);
  // The original's has no status, and says how old its data is.
  const original = await ask(target, "/get-ledger-latency", options);
  const isSidecar = "answer" in original && (target.isNamed || original.answer.body["unit"] === "seconds");
  if (isSidecar) return describeOriginal(target.address, original.answer);
  return unreached("sidecar", target, "problem" in asked ? asked.problem : problem("It has no status"));
}

function describe(where: string, status: Document): PartLook {
  const [state, reason, version] = [status["state"], status["reason"], status["version"]].map(textIn);
  const look = part({
    part: "sidecar",
    where,
    health: "well",
    state: state === "ready" ? "ready" : "cannot read",
    sequence: sequenceIn(status["sequence"]),
    entryAgeSeconds: numberIn(status["ledgerLatencySeconds"]),
    facts: [
      ...(version === null || version === undefined ? [] : [`ctlstore ${version}`]),
      `reads ${textIn(status["ldb"]) ?? "an LDB"}`,
    ],
  });
  if (state === "ready") return look;
  return withProblems(look, [problem(reason ?? "It cannot read its LDB", { code: state ?? null })]);
}

function describeOriginal(where: string, answer: Answer): PartLook {
  const refusal = problemOf(answer);
  const look = part({
    part: "sidecar",
    where,
    health: "well",
    state: refusal === null ? "ready" : "cannot read",
    sequence: sequenceIn(answer.headers.get("ctlstore-sequence")),
    entryAgeSeconds: numberIn(answer.body["value"]),
  });
  return withProblems(look, refusal === null ? [] : [refusal]);
}
