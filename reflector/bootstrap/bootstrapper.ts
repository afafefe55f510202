/**
 * Finds the newest snapshot that the ledger goes on from, and fetches it into a generation that is ready to be placed.
 *
 * A snapshot that is damaged or gone is passed over for the one before it. What was judged before the download is judged
 * again after it, since the ledger may be pruned meanwhile (R27).
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { CtlstoreError, type ErrorCode, isCtlstoreError } from "../../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { OnCrashPoint } from "../../ldb/crash-points.ts";
import { type Generation, removeGeneration, stageGeneration } from "../../ldb/generations.ts";
import type { FetchProgress, SnapshotSource } from "../../snapshot/download/contract.ts";
import type { SnapshotEntry } from "../../snapshot/manifest.ts";
import type { LedgerFetcher } from "../ledger-fetcher.ts";
import type { SilenceLimits } from "../options.ts";
import { LedgerJudge } from "./judge.ts";
import { type BootstrapNeed, goesBack, isCandidate, mayGoWithoutLedger } from "./need.ts";
import type { BootstrapProgress } from "./progress.ts";
import { whileItMoves } from "./sign-of-life.ts";

export interface BootstrapperDeps {
  readonly source: SnapshotSource;
  readonly fetcher: LedgerFetcher;
  readonly progress: BootstrapProgress;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPoint: OnCrashPoint;
  readonly silenceMs: SilenceLimits;
}

export interface FetchedSnapshot {
  readonly snapshot: SnapshotEntry;
  /** Its database is complete and closed. */
  readonly staged: Generation;
}

/** In the LDB's folder: what was downloaded so far. */
const WORK_FOLDER_NAME = "bootstrap";

/** Removes what was downloaded, when nothing is to be made of it any more. */
export function clearWorkFolder(ldbFolder: string): void {
  try {
    rmSync(join(ldbFolder, WORK_FOLDER_NAME), { recursive: true, force: true });
  } catch {
    // Somebody holds it, or the disk fails: the next start tries again.
  }
}

interface Asked {
  /** True where nobody needs to vouch for a snapshot. */
  mayBeAway: boolean;
  /** The ledger as it was when it was asked first; of minutes ago where a fetch failed in between. */
  judge: LedgerJudge | null;
}

/** What is wrong with one snapshot and not with the store: the one before it may be right. */
const PASSED_OVER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "snapshot_damaged",
  "snapshot_not_found",
  "snapshot_incompatible",
  "snapshot_mismatch",
  "ledger_behind",
  "ledger_too_old",
]);

export class Bootstrapper {
  readonly #deps: BootstrapperDeps;
  readonly #folder: string;
  /** Snapshots that were fetched in vain, by their manifests, and when: not fetched again for a while. */
  readonly #bad = new Map<string, { readonly error: CtlstoreError; readonly atMs: number }>();

  constructor(deps: BootstrapperDeps, folder: string) {
    this.#deps = deps;
    this.#folder = folder;
  }

  /**
   * Fetches the best snapshot there is for the need. The caller places it, or removes the staged generation.
   * @throws CtlstoreError `snapshot_not_found` and the rest of PASSED_OVER when none fits, what `SnapshotSource`
   *   throws, `ctldb_unavailable` where the ledger must be asked
   */
  async fetch(need: BootstrapNeed, signal: AbortSignal): Promise<FetchedSnapshot> {
    for (let round = 1; ; round++) {
      const fetched = await this.#fetchNewest(need, signal);
      try {
        // It fitted before the download: a ledger that is away just now takes nothing from that.
        const mayBeAway = !goesBack(need, fetched.snapshot);
        await this.#judge(fetched.snapshot, { mayBeAway, judge: null }, signal);
        return fetched;
      } catch (error) {
        removeGeneration(this.#folder, fetched.staged.id);
        if (round >= BOOTSTRAP_LIMITS.rounds || !isPassedOver(error)) throw error;
        this.#deps.logger.warn({ err: error }, "snapshot no longer fits the ledger, which changed meanwhile");
      }
    }
  }

  async #fetchNewest(need: BootstrapNeed, signal: AbortSignal): Promise<FetchedSnapshot> {
    const { source, progress, logger } = this.#deps;
    progress.enter("choosing");
    const listed = await this.#whileItMoves(signal, "choosing", (inner) => source.list(inner));
    const candidates = listed.filter((snapshot) => isCandidate(need, snapshot));
    let failure: CtlstoreError | null = null;
    const asked: Asked = { mayBeAway: false, judge: null };
    for (const snapshot of candidates) {
      try {
        asked.mayBeAway = mayGoWithoutLedger(need) && !goesBack(need, snapshot);
        this.#refuseBad(snapshot);
        await this.#judge(snapshot, asked, signal);
        return { snapshot, staged: await this.#stage(snapshot, signal) };
      } catch (error) {
        if (!isPassedOver(error)) throw error;
        // The newest one's failure says most.
        failure ??= error;
        // There may be many, at each attempt: what matters of it is in the failure.
        const { code, message } = error;
        logger.debug({ sequence: snapshot.sequence, code, message }, "snapshot passed over");
      }
    }
    throw failure ?? noneFits(source.url, need, listed);
  }

  async #judge(snapshot: SnapshotEntry, asked: Asked, signal: AbortSignal): Promise<void> {
    try {
      asked.judge ??= await LedgerJudge.ask(this.#deps.fetcher, signal);
      await asked.judge.check(snapshot);
    } catch (error) {
      signal.throwIfAborted();
      if (!asked.mayBeAway || !isCtlstoreError(error) || error.code !== "ctldb_unavailable") throw error;
      this.#deps.logger.warn({ message: error.message }, "snapshot taken without asking the ledger");
    }
  }

  async #stage(snapshot: SnapshotEntry, signal: AbortSignal): Promise<Generation> {
    const { source, clock, onPoint } = this.#deps;
    const staged = stageGeneration(this.#folder, clock.nowUs());
    try {
      onPoint("before-download");
      const workFolder = join(this.#folder, WORK_FOLDER_NAME);
      const targetPath = staged.databasePath;
      await this.#whileItMoves(signal, "downloading", (inner, moved) => {
        const onProgress = (progress: FetchProgress) => {
          moved(progress.phase);
          this.#report(snapshot, progress);
        };
        return source.fetch(snapshot, { workFolder, targetPath, signal: inner, onProgress });
      });
      onPoint("after-download");
      return staged;
    } catch (error) {
      removeGeneration(this.#folder, staged.id);
      if (isPassedOver(error)) {
        this.#bad.set(snapshot.manifestSha256, { error, atMs: clock.monotonicMs() });
        const { code, message } = error;
        this.#deps.logger.warn({ sequence: snapshot.sequence, code, message }, "snapshot is of no use");
      }
      throw error;
    }
  }

  /** A child that hangs, on a dead mount or stopped, must not keep the ledger from being followed. */
  #whileItMoves<T>(
    signal: AbortSignal,
    first: keyof SilenceLimits,
    work: (signal: AbortSignal, moved: (phase: keyof SilenceLimits) => void) => Promise<T>,
  ): Promise<T> {
    const { clock, source, silenceMs } = this.#deps;
    let phase = first;
    const giveUp = (silentMs: number) => silent(source.url, phase, silentMs);
    return whileItMoves({ clock, signal, silenceMs: () => silenceMs[phase], giveUp }, (inner, moved) =>
      work(inner, (now) => {
        phase = now;
        moved();
      }),
    );
  }

  #report(snapshot: SnapshotEntry, progress: FetchProgress): void {
    const { onPoint } = this.#deps;
    this.#deps.progress.fetching(snapshot.sequence, progress);
    if (progress.phase === "checking") onPoint("mid-check");
    else if (progress.bytes > 0) onPoint("mid-download");
  }

  /** What was damaged a minute ago still is; a whole fleet fetching it again and again helps nobody. */
  #refuseBad({ manifestSha256 }: SnapshotEntry): void {
    this.#forgetOldBad();
    const found = this.#bad.get(manifestSha256);
    if (found !== undefined) throw found.error;
  }

  #forgetOldBad(): void {
    const sinceMs = this.#deps.clock.monotonicMs() - BOOTSTRAP_LIMITS.badSnapshotMs;
    for (const [manifest, { atMs }] of this.#bad) if (atMs <= sinceMs) this.#bad.delete(manifest);
  }
}

function isPassedOver(error: unknown): error is CtlstoreError {
  return isCtlstoreError(error) && PASSED_OVER.has(error.code);
}

function silent(url: string, phase: keyof SilenceLimits, silentMs: number): CtlstoreError {
  return new CtlstoreError(
    phase === "checking" ? "ldb_unavailable" : "snapshot_store_unavailable",
    `Cannot bootstrap from ${url}: nothing has moved for ${silentMs / 1000} seconds while ${phase}`,
  );
}

function noneFits(url: string, need: BootstrapNeed, listed: readonly SnapshotEntry[]): CtlstoreError {
  if (listed.length === 0) {
    return new CtlstoreError("snapshot_not_found", `Cannot bootstrap from ${url}: it holds no snapshot`, {
      hint: "Start a Supervisor that publishes there, or check --bootstrap.",
    });
  }
  const [{ sequence, epoch } = { sequence: 0n, epoch: null }] = listed;
  if (need.epoch !== null && epoch !== need.epoch) {
    return new CtlstoreError(
      "snapshot_mismatch",
      `Cannot bootstrap from ${url}: its snapshots are of epoch ${epoch ?? "none"}; the LDB follows ${need.epoch}`,
      { hint: "Check --bootstrap. To follow another ctldb from now on, start once with --rebootstrap." },
    );
  }
  return new CtlstoreError(
    "snapshot_not_found",
    `Cannot bootstrap from ${url}: its newest snapshot is at ${sequence}; the LDB is at ${need.sequence} already`,
    { hint: "A newer snapshot is needed: see whether the Supervisor publishes." },
  );
}
