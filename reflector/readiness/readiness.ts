/**
 * Decides whether this host is ready (it may get work that reads its LDB) and healthy (its data is as fresh as wanted).
 *
 * READY is the answer to "can this host serve?". It is given once the LDB has caught up, and then kept for as long as
 * the LDB holds data: reads are always on (I15), so when the centre is down every host of the fleet falls behind at the
 * same moment, and taking them all out of service would make a total outage of a harmless one. For the same reason a
 * restarted host that was filled in an earlier life becomes ready when it has tried to reach the ctldb for a while.
 * A host that never caught up, and one whose data may be wrong, are not ready.
 *
 * HEALTHY follows the lag as it is, for alarms and for placing new work, where an older host is the worse choice.
 *
 * Lag is an upper bound of how old the data may be: the age of the last entry, or, since that says nothing of a quiet
 * ledger, the time since all that the ledger had was in the LDB, when it is less.
 */
import { READINESS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { ObservedStatus, Readiness, ReflectorReason } from "../state.ts";

export type Observed = Pick<
  ObservedStatus,
  "state" | "reason" | "sequence" | "lagSeconds" | "wholeAgeSeconds" | "lastPollAtUs" | "bootstrap"
>;

export interface ReadinessRuleOptions {
  readonly lagSeconds: number;
  readonly withoutCtldbSeconds: number;
}

/** The LDB may be of another history, or is about to be replaced: what it holds is no reason to become ready. */
const DOUBTFUL: ReadonlySet<ObservedStatus["state"]> = new Set(["diverged", "bootstrapping"]);

/** The ledger goes on from what the LDB holds: a snapshot that was taken while the ctldb was away may be of another one. */
const FOLLOWS: ReadonlySet<ObservedStatus["state"]> = new Set(["catching-up", "current"]);

/** The way to newer data is closed, and the data that is there is as good as on the hosts that stay ready. */
const HELD_UP: ReadonlySet<ReflectorReason["code"]> = new Set([
  "ctldb_unavailable",
  "ctldb_incompatible",
  "overloaded",
  "ledger_behind",
  "statement_refused",
  "ldb_disk_full",
]);

export class ReadinessRule {
  readonly #clock: Clock;
  readonly #options: ReadinessRuleOptions;
  /** The LDB was filled in an earlier life of the Reflector; null while it holds nothing. */
  #filledBefore: boolean | null = null;
  #bootstrapSeen = false;
  /** Since when there has been no way to newer data; null while there is one. */
  #heldUpSinceMs: number | null;
  #isFirstLook = true;
  #readySinceUs: number | null = null;
  #healthy = false;
  #wasHealthy = false;

  constructor(clock: Clock, options: ReadinessRuleOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#heldUpSinceMs = clock.monotonicMs();
  }

  /** Call about once a second and after each change. */
  observe(observed: Observed): Readiness {
    const nowMs = this.#clock.monotonicMs();
    this.#noteFilled(observed);
    this.#noteHeldUp(observed, nowMs);
    this.#isFirstLook = false;
    const lagSeconds = this.#lagSeconds(observed);
    if (observed.sequence === 0n) this.#readySinceUs = null;
    else if (this.#readySinceUs === null && this.#becomesReady(observed, lagSeconds, nowMs))
      this.#readySinceUs = this.#clock.nowUs();
    const ready = this.#readySinceUs !== null;
    this.#healthy = ready && observed.state !== "diverged" && this.#isFresh(lagSeconds);
    this.#wasHealthy ||= this.#healthy;
    return { ready, healthy: this.#healthy, lagSeconds, readySinceUs: this.#readySinceUs };
  }

  /** Data that is there before the ledger has said anything, and before a snapshot was placed, is from before. */
  #noteFilled({ sequence, lastPollAtUs, bootstrap }: Observed): void {
    if (sequence > 0n)
      this.#filledBefore ??= !this.#bootstrapSeen && (lastPollAtUs === null || this.#isFirstLook);
    this.#bootstrapSeen ||= bootstrap !== null;
  }

  #noteHeldUp({ state, reason }: Observed, nowMs: number): void {
    const heldUp = state === "starting" || (state === "stuck" && reason !== null && HELD_UP.has(reason.code));
    this.#heldUpSinceMs = heldUp ? (this.#heldUpSinceMs ?? nowMs) : null;
  }

  #lagSeconds({ lagSeconds, wholeAgeSeconds }: Observed): number | null {
    // An entry from the future says that this machine's clock is wrong, as it may be just after a boot.
    const isKnown = lagSeconds !== null && lagSeconds >= -this.#options.lagSeconds;
    const age = isKnown ? Math.max(0, lagSeconds) : null;
    if (age === null || wholeAgeSeconds === null) return age ?? wholeAgeSeconds;
    return Math.min(age, wholeAgeSeconds);
  }

  #becomesReady({ state, reason }: Observed, lagSeconds: number | null, nowMs: number): boolean {
    if (DOUBTFUL.has(state) || reason?.code === "ldb_unavailable") return false;
    const isFresh = lagSeconds !== null && lagSeconds <= this.#options.lagSeconds;
    if (isFresh && (FOLLOWS.has(state) || this.#filledBefore === true)) return true;
    if (this.#filledBefore !== true || this.#heldUpSinceMs === null) return false;
    return nowMs - this.#heldUpSinceMs >= this.#options.withoutCtldbSeconds * 1000;
  }

  #isFresh(lagSeconds: number | null): boolean {
    const part = this.#healthy || !this.#wasHealthy ? 1 : READINESS_LIMITS.recoveredPart;
    return lagSeconds !== null && lagSeconds <= this.#options.lagSeconds * part;
  }
}
