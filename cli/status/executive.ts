/** The Executive on the status page, and what only it knows: the ctldb, the heartbeat, limits that are nearly used up. */
import { type ClientResult, errorOf, unwrap } from "../../client/client-error.ts";
import type { Client } from "../../client/index.ts";
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { STATUS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { StatusAnswer } from "../../core/wire/answers.ts";
import { hintFor } from "../answer-of.ts";
import { type NearLimit, nearLimits, nearLimitText } from "../limits-answer.ts";
import { notAService } from "./ask.ts";
import { documentIn, sequenceIn, textIn } from "./document.ts";
import { ageText, type PartLook, type Problem, part, problem, withProblems } from "./part.ts";

export interface ExecutiveTarget {
  readonly address: string;
  readonly client: Client;
  /** When it was not named and nobody answers, that is no failure. */
  readonly isNamed: boolean;
}

export interface ExecutiveLook {
  readonly parts: readonly PartLook[];
  readonly status: StatusAnswer | null;
  readonly near: readonly NearLimit[];
  /** Null where nobody beats. */
  readonly heartbeatAgeSeconds: number | null;
}

export async function lookAtExecutive(target: ExecutiveTarget, clock: Clock): Promise<ExecutiveLook> {
  const status = (await target.client.status.get()) as ClientResult<StatusAnswer>;
  if (status.data === null) {
    const look = withoutStatus(target, errorOf(status), status.response !== undefined);
    return { parts: look, status: null, near: [], heartbeatAgeSeconds: null };
  }
  if (!isStatus(status.data))
    return { parts: [strangerAt(target)], status: null, near: [], heartbeatAgeSeconds: null };
  const [near, heartbeat] = await Promise.all([
    findNearLimits(target.client),
    lookAtHeartbeat(target.client, clock),
  ]);
  const { version, uptimeSeconds } = status.data;
  const executive = part({
    part: "executive",
    where: target.address,
    health: "well",
    state: "answers",
    facts: [`ctlstore ${version}`, `up ${ageText(uptimeSeconds)}`],
  });
  const problems = Array.isArray(near) ? [] : [near as Problem];
  const found = Array.isArray(near) ? (near as readonly NearLimit[]) : [];
  return {
    parts: [
      withProblems(executive, problems),
      ctldbPart(status.data),
      ...heartbeat.parts,
      ...found.map(limitPart),
    ],
    status: status.data,
    near: found,
    heartbeatAgeSeconds: heartbeat.ageSeconds,
  };
}

/** Where an Executive usually listens, others do, too. */
function isStatus(answer: unknown): answer is StatusAnswer {
  const status = documentIn(answer);
  return textIn(status?.["version"]) !== null && documentIn(status?.["ctldb"]) !== null;
}

function strangerAt({ address, isNamed }: ExecutiveTarget): PartLook {
  const health = isNamed ? "unwell" : "unknown";
  return part({
    part: "executive",
    where: address,
    health,
    state: "not reached",
    problems: [notAService(null)],
  });
}

/** Of an Executive that answers with an error it is known that it lives. */
function withoutStatus(
  { address, isNamed }: ExecutiveTarget,
  error: CtlstoreError,
  lives: boolean,
): PartLook[] {
  const { code, message, details } = error.with(hintFor(error, address));
  const found = problem(message, { code, hint: details.hint ?? null });
  if (lives && code === "ctldb_unavailable") {
    const executive = part({ part: "executive", where: address, health: "well", state: "answers" });
    return [
      executive,
      part({ part: "ctldb", where: address, health: "unwell", state: "away", problems: [found] }),
    ];
  }
  const state = lives ? "refuses" : "not reached";
  return [
    part({
      part: "executive",
      where: address,
      health: lives || isNamed ? "unwell" : "unknown",
      state,
      problems: [found],
    }),
  ];
}

function ctldbPart({ ctldb }: StatusAnswer): PartLook {
  const head = sequenceIn(ctldb.headSequence);
  return part({
    part: "ctldb",
    where: `${ctldb.server} (${ctldb.kind})`,
    health: "well",
    state: "in order",
    sequence: head,
    epoch: ctldb.epoch,
    facts: [`head at sequence ${head}`, `schema version ${ctldb.schemaVersion}`, `epoch ${ctldb.epoch}`],
  });
}

function limitPart(near: NearLimit): PartLook {
  const isFull = near.percent >= 100;
  return part({
    part: "limit",
    where: near.name,
    // Somebody is slowed down or kept out, and everything else goes on.
    health: "notice",
    state: isFull ? "used up" : "near",
    facts: [nearLimitText(near)],
  });
}

/** The limits, or why they are not known. */
async function findNearLimits(client: Client): Promise<readonly NearLimit[] | Problem> {
  try {
    const { usage, sizes } = client.limits;
    const [used, measured] = await Promise.all([usage.get(), sizes.get()]);
    return nearLimits(unwrap(used), unwrap(measured));
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    // An Executive of before has no limits.
    if (error.code === "unknown_route") return [];
    return problem(error.message, { code: error.code, hint: error.details.hint ?? null });
  }
}

/** As `ctlstore heartbeat` writes it unless it is told another place. */
const HEARTBEAT = { family: "ctlstore", table: "heartbeats" } as const;

async function lookAtHeartbeat(
  client: Client,
  clock: Clock,
): Promise<{ readonly parts: readonly PartLook[]; readonly ageSeconds: number | null }> {
  const { family, table } = HEARTBEAT;
  const page = await client
    .families({ family })
    .tables({ table })
    .rows.get({ query: { limit: "100" } });
  const where = `${family}/${table}`;
  // Who has no heartbeat has no such table; all else is said where the Executive's status is asked for.
  const beats = (page.data?.rows ?? []).map((row) => Number(row["value"])).filter((us) => us > 0);
  if (beats.length === 0) {
    const parts =
      page.data === null ? [] : [part({ part: "heartbeat", where, health: "notice", state: "none yet" })];
    return { parts, ageSeconds: null };
  }
  const ageSeconds = (clock.nowUs() - Math.max(...beats)) / 1_000_000;
  const isLate = ageSeconds > STATUS_LIMITS.heartbeatSeconds;
  const look = part({
    part: "heartbeat",
    where,
    health: "well",
    state: isLate ? "stopped" : "beats",
    entryAgeSeconds: ageSeconds,
  });
  const late = problem(
    `The last beat is ${ageText(ageSeconds)} old, so nobody can tell a quiet ledger from a lost one`,
    {
      hint: "run `ctlstore heartbeat`, and look whether writes go through",
    },
  );
  return { parts: [withProblems(look, isLate ? [late] : [])], ageSeconds };
}
