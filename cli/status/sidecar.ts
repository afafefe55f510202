/** A sidecar on the status page: whether it can read, and how old what it reads is. */
import { type AskOptions, ask, problemOf, type Target, unreached } from "./ask.ts";
import { numberIn, sequenceIn } from "./document.ts";
import { type PartLook, part } from "./part.ts";

export async function lookAtSidecar(target: Target, options: AskOptions): Promise<PartLook | null> {
  const asked = await ask(target, "/get-ledger-latency", options);
  if ("problem" in asked) return unreached("sidecar", target, asked.problem);
  const { headers, body } = asked.answer;
  const refusal = problemOf(asked.answer);
  if (refusal !== null)
    return part({
      part: "sidecar",
      where: target.address,
      health: "unwell",
      state: "cannot read",
      problems: [refusal],
    });
  return part({
    part: "sidecar",
    where: target.address,
    health: "well",
    state: "reads",
    sequence: sequenceIn(headers.get("ctlstore-sequence")),
    entryAgeSeconds: numberIn(body["value"]),
  });
}
