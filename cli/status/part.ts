/** What the status page says of one part of the system. */

/**
 * `notice`: it does its work, and somebody should know something. `unknown`: it cannot be reached, and nobody asked
 * for it. Only `unwell` makes the command fail.
 */
export type Health = "well" | "notice" | "unwell" | "unknown";

export interface Problem {
  /** A code of ctlstore, where one is known. */
  readonly code: string | null;
  readonly message: string;
  readonly hint: string | null;
}

export interface PartLook {
  /** Such as "reflector". */
  readonly part: string;
  /** Where it was looked for. */
  readonly where: string;
  readonly health: Health;
  /** In its own word. */
  readonly state: string;
  /** How far in the ledger it is. */
  readonly sequence: bigint | null;
  readonly epoch: string | null;
  /** Age of the newest ledger entry that it has. */
  readonly entryAgeSeconds: number | null;
  /** Since the ledger, or whatever it follows, last answered it. */
  readonly pollAgeSeconds: number | null;
  /** What else there is to know, each in a few words. */
  readonly facts: readonly string[];
  readonly problems: readonly Problem[];
}

const NOTHING_KNOWN = {
  sequence: null,
  epoch: null,
  entryAgeSeconds: null,
  pollAgeSeconds: null,
  facts: [],
  problems: [],
} as const;

/** A part of which only this is known. */
export function part(
  known: Pick<PartLook, "part" | "where" | "health" | "state"> & Partial<PartLook>,
): PartLook {
  return { ...NOTHING_KNOWN, ...known };
}

export function problem(message: string, more: { code?: string | null; hint?: string | null } = {}): Problem {
  return { message, code: more.code ?? null, hint: more.hint ?? null };
}

/** The same part with more problems; one makes it unwell. */
export function withProblems(look: PartLook, more: readonly Problem[]): PartLook {
  if (more.length === 0) return look;
  return { ...look, health: "unwell", problems: [...look.problems, ...more] };
}

/** 3.21 as "3.2 s", 200 as "3 min": two digits are enough to judge by. */
export function ageText(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  if (seconds < 6_000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
