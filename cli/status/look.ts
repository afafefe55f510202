/** One look at all parts at once, and what they mean together: who lags, and who follows another ctldb. */
import { STATUS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { StatusAnswer } from "../../core/wire/answers.ts";
import type { NearLimit } from "../limits-answer.ts";
import type { AskOptions, Target } from "./ask.ts";
import { type ExecutiveLook, type ExecutiveTarget, lookAtExecutive } from "./executive.ts";
import { lookAtHeartbeatService } from "./heartbeat.ts";
import { lookAtLoader } from "./loader.ts";
import { type LdbLook, lookAtLdb } from "./local-ldb.ts";
import { ageText, type PartLook, problem, withProblems } from "./part.ts";
import { lookAtReflector } from "./reflector.ts";
import { lookAtSidecar } from "./sidecar.ts";
import { lookAtStore } from "./snapshot-store.ts";
import { lookAtSupervisor } from "./supervisor.ts";

export interface StatusTargets {
  readonly executive: ExecutiveTarget;
  readonly reflectors: readonly Target[];
  readonly sidecars: readonly Target[];
  readonly supervisors: readonly Target[];
  readonly loaders: readonly Target[];
  readonly heartbeats: readonly Target[];
  readonly ldb?: string | undefined;
  readonly snapshots?: string | undefined;
}

export interface StatusLook {
  /** False when something is unwell, or nothing at all was reached. */
  readonly well: boolean;
  /** Of the ledger, as the Executive says or else the Reflectors; null where nobody knows. */
  readonly headSequence: bigint | null;
  /** In the order in which data flows. */
  readonly parts: readonly PartLook[];
  readonly executive: StatusAnswer | null;
  readonly near: readonly NearLimit[];
  readonly ldb: LdbLook["read"];
}

/** What is away is part of the answer; it never fails. */
export async function lookAround(
  clock: Clock,
  targets: StatusTargets,
  options: AskOptions,
): Promise<StatusLook> {
  const { executive, others, heads, ldb } = await lookAtAll(clock, targets, options);
  const found = [...executive.parts, ...others.filter((one) => one !== null)];
  const epoch = executive.status?.ctldb.epoch ?? null;
  const parts = found.map((one) => judged(one, epoch, executive.heartbeatAgeSeconds));
  const isReached = parts.some(({ health }) => health !== "unknown");
  return {
    well: isReached && parts.every(({ health }) => health !== "unwell"),
    headSequence: executive.parts.find(({ part }) => part === "ctldb")?.sequence ?? highest(heads),
    parts,
    executive: executive.status,
    near: executive.near,
    ldb,
  };
}

interface Looks {
  readonly executive: ExecutiveLook;
  /** Null where nobody is and nobody was named. */
  readonly others: readonly (PartLook | null)[];
  /** Of the ledger, as Reflectors have seen it. */
  readonly heads: readonly bigint[];
  readonly ldb: LdbLook["read"];
}

/** At once: a page takes as long as its slowest part. */
async function lookAtAll(clock: Clock, targets: StatusTargets, options: AskOptions): Promise<Looks> {
  const { ldb: folder, snapshots } = targets;
  const all = <Found>(list: readonly Target[], look: (one: Target, options: AskOptions) => Promise<Found>) =>
    Promise.all(list.map((one) => look(one, options)));
  const [executive, heartbeats, loaders, supervisors, store, reflectors, ldb, sidecars] = await Promise.all([
    lookAtExecutive(targets.executive, clock),
    all(targets.heartbeats, lookAtHeartbeatService),
    all(targets.loaders, lookAtLoader),
    all(targets.supervisors, lookAtSupervisor),
    snapshots === undefined ? null : lookAtStore(snapshots, clock, options),
    all(targets.reflectors, lookAtReflector),
    folder === undefined ? null : lookAtLdb(folder),
    all(targets.sidecars, lookAtSidecar),
  ]);
  const ofReflectors = reflectors.map((one) => one?.look ?? null);
  return {
    executive,
    others: [
      ...heartbeats,
      ...loaders,
      ...supervisors,
      store,
      ...ofReflectors,
      ldb?.look ?? null,
      ...sidecars,
    ],
    heads: reflectors.flatMap((one) => one?.headSequence ?? []),
    ldb: ldb?.read ?? null,
  };
}

function highest(sequences: readonly bigint[]): bigint | null {
  return sequences.reduce<bigint | null>((most, one) => (most === null || one > most ? one : most), null);
}

/** What a part cannot know by itself. */
function judged(look: PartLook, epoch: string | null, heartbeatAgeSeconds: number | null): PartLook {
  const isStranger = epoch !== null && look.epoch !== null && look.epoch !== epoch;
  if (isStranger) {
    const message = `It belongs to another ctldb, that of epoch ${look.epoch}`;
    return withProblems(look, [
      problem(message, { code: "ledger_epoch_mismatch", hint: "look at its --ctldb, or at --executive" }),
    ]);
  }
  const isBeating = heartbeatAgeSeconds !== null && heartbeatAgeSeconds <= STATUS_LIMITS.heartbeatSeconds;
  const { part, entryAgeSeconds, problems } = look;
  const isLagging =
    part !== "heartbeat" && entryAgeSeconds !== null && entryAgeSeconds > STATUS_LIMITS.entrySeconds;
  if (!isBeating || !isLagging || problems.length > 0) return look;
  const message = `Its newest ledger entry is ${ageText(entryAgeSeconds)} old, while heartbeats are written`;
  return withProblems(look, [problem(message, { hint: "look at the Reflector that writes it" })]);
}

/** Ledger entries that it lacks; null where that means nothing. */
export function behindOf({ part, sequence }: PartLook, headSequence: bigint | null): bigint | null {
  if (part === "ctldb" || sequence === null || headSequence === null) return null;
  return headSequence > sequence ? headSequence - sequence : 0n;
}
