/**
 * One snapshot at a time: looks whether one is due, freezes the LDB, publishes the files, and cleans up.
 *
 * What was frozen and could not be published is kept for the next attempt while it is still the newest that there is.
 */
import { CtlstoreError } from "../../core/errors.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Sequence } from "../../core/sequence.ts";
import { readIndex } from "../documents.ts";
import { FREEZE_PHASES } from "../freeze/contract.ts";
import { type FrozenSnapshot, freezeSnapshot } from "../freeze/freeze.ts";
import type { SnapshotEntry, SnapshotIndex } from "../manifest.ts";
import { legacyForm, publishLegacy } from "../publish/legacy.ts";
import { type Publication, publishSnapshot } from "../publish/publish.ts";
import { removeUnnamed } from "../publish/retention.ts";
import type { FollowedStatus } from "./followed-ldb.ts";
import type { SupervisorMetrics } from "./metrics.ts";
import type { CompleteSupervisorOptions, SupervisorDeps } from "./options.ts";
import { PublishGuard } from "./publish-guard.ts";
import type { PhaseProgress, SupervisorPhase } from "./state.ts";

export type Outcome =
  | { readonly kind: "published"; readonly publication: Publication; readonly frozen: FrozenSizes }
  /** The store has all that the LDB has. */
  | { readonly kind: "unchanged"; readonly latest: SnapshotEntry }
  /** What was frozen is refused: another Supervisor published as much, or more, meanwhile (R23). */
  | { readonly kind: "overtaken"; readonly latest: SnapshotEntry };

type FrozenSizes = Pick<FrozenSnapshot["manifest"], "plain" | "compressed">;

export interface SnapshotMakerDeps extends Pick<SupervisorDeps, "followed" | "store" | "legacy"> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SupervisorMetrics;
  readonly onProgress: (progress: PhaseProgress) => void;
}

interface Kept {
  readonly frozen: FrozenSnapshot;
  readonly atMs: number;
  /** Of the LDB that was frozen. */
  readonly databasePath: string;
}

export class SnapshotMaker {
  readonly #deps: SnapshotMakerDeps;
  readonly #options: CompleteSupervisorOptions;
  readonly #guard: PublishGuard;
  #kept: Kept | null = null;
  #latest: SnapshotEntry | null = null;

  constructor(deps: SnapshotMakerDeps, options: CompleteSupervisorOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#guard = new PublishGuard(deps.followed, options);
  }

  /** The newest in the store when it was last looked at. */
  get latest(): SnapshotEntry | null {
    return this.#latest;
  }
  get keptSequence(): Sequence | null {
    return this.#kept?.frozen.manifest.sequence ?? null;
  }

  /**
   * @throws CtlstoreError `snapshot_refused` when nothing may be published as things are, and what freezing and the
   *   store fail with
   */
  async run(signal: AbortSignal): Promise<Outcome> {
    const followed = this.#guarded(() => this.#guard.checkLdb());
    const found = await readIndex(this.#deps.store, signal);
    this.#latest = found?.index.latest ?? null;
    this.#dropStale(found?.index ?? null, followed);
    if (this.#kept === null) {
      if (this.#latest !== null && !this.#isDue(this.#latest, followed)) {
        return { kind: "unchanged", latest: this.#latest };
      }
      if (this.#latest !== null) await this.#guard.checkPredecessor(this.#latest, signal);
      await this.#freeze(followed, signal);
    }
    return this.#publishKept(signal);
  }

  /** Deletes the files that wait for the store. */
  close(): void {
    this.#kept?.frozen[Symbol.dispose]();
    this.#kept = null;
  }

  /** What the LDB was when it was frozen may be all wrong now: a refusal ends what is kept. */
  #guarded<T>(check: () => T): T {
    try {
      return check();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Kept files are of use until the store has as much, or until it is time for newer ones. */
  #dropStale(index: SnapshotIndex | null, followed: FollowedStatus): void {
    if (this.#kept === null) return;
    const { sequence } = this.#kept.frozen.manifest;
    const isTimeForNewer = this.#deps.clock.monotonicMs() - this.#kept.atMs >= this.#options.intervalMs;
    const isNamed = index !== null && namedSequences(index).includes(sequence);
    // An attempt that was cut off may have published it: then the rest is to be done.
    const isOvertaken = index !== null && !isNamed && hasAsMuch(index.latest, this.#kept.frozen.manifest);
    if (isOvertaken || (isTimeForNewer && followed.sequence > sequence)) this.close();
  }

  /** @throws CtlstoreError `snapshot_refused` for another ctldb's store */
  #isDue(latest: SnapshotEntry, followed: FollowedStatus): boolean {
    if (hasAsMuch(latest, followed)) return false;
    this.#guard.checkPosition(latest, followed);
    return true;
  }

  async #freeze(followed: FollowedStatus, signal: AbortSignal): Promise<void> {
    const { ldbFolder, compression, compressionLevel, allowSkips, id } = this.#options;
    const { legacy, clock, metrics, onProgress } = this.#deps;
    const atMs = clock.monotonicMs();
    const frozen = await freezeSnapshot(
      {
        databasePath: followed.databasePath,
        ldbFolder,
        compression,
        compressionLevel,
        legacy: legacy == null ? null : legacyForm(legacy.key),
        allowSkips,
        supervisorId: id,
      },
      { signal, onProgress },
    );
    for (const phase of FREEZE_PHASES) metrics.setPhaseSeconds(phase, frozen.seconds[phase]);
    this.#kept = { frozen, atMs, databasePath: followed.databasePath };
  }

  async #publishKept(signal: AbortSignal): Promise<Outcome> {
    if (this.#kept === null) throw new Error("nothing was frozen");
    const kept = this.#kept;
    const { frozen } = kept;
    this.#checkCopy(kept);
    try {
      const publication = await this.#publish(kept, signal);
      this.#latest = publication.index.latest;
      await this.#publishLegacy(frozen, publication.entry, signal);
      const { plain, compressed } = frozen.manifest;
      this.close();
      await this.#removeUnnamed(publication, signal);
      return { kind: "published", publication, frozen: { plain, compressed } };
    } catch (error) {
      if (!(error instanceof CtlstoreError) || error.code !== "snapshot_refused") throw error;
      // The store has something newer, or another ctldb's: these files will never be published.
      this.close();
      const found = await readIndex(this.#deps.store, signal);
      const isOvertaken = found !== null && hasAsMuch(found.index.latest, frozen.manifest);
      if (!isOvertaken) throw error;
      this.#latest = found.index.latest;
      return { kind: "overtaken", latest: found.index.latest };
    }
  }

  #checkCopy({ frozen: { manifest }, databasePath }: Kept): void {
    this.#guarded(() => this.#guard.checkCopy({ manifest, databasePath }));
  }

  async #publish(kept: Kept, signal: AbortSignal): Promise<Publication> {
    const { store, clock, onProgress, metrics } = this.#deps;
    const { id, retention } = this.#options;
    let phase: SupervisorPhase | null = null;
    let startedMs = clock.monotonicMs();
    const leavePhase = () => {
      if (phase !== null) metrics.setPhaseSeconds(phase, (clock.monotonicMs() - startedMs) / 1000);
    };
    const publication = await publishSnapshot({ store, clock }, kept.frozen, {
      supervisorId: id,
      newEpoch: this.#guard.mayReplaceHistory,
      retention,
      signal,
      checkPredecessor: (latest) => this.#guard.checkPredecessor(latest, signal),
      checkSource: () => this.#checkCopy(kept),
      onProgress: (progress) => {
        if (progress.phase !== phase) {
          leavePhase();
          phase = progress.phase;
          startedMs = clock.monotonicMs();
        }
        onProgress(progress);
      },
    });
    leavePhase();
    this.#guard.published(publication.entry);
    return publication;
  }

  async #publishLegacy(frozen: FrozenSnapshot, entry: SnapshotEntry, signal: AbortSignal): Promise<void> {
    const { store, legacy } = this.#deps;
    if (legacy == null || frozen.legacy === null) return;
    const { key, store: legacyStore } = legacy;
    const file = frozen.legacy;
    await this.#timed("legacy", () => publishLegacy({ store, legacyStore }, { key, file, entry, signal }));
  }

  /** The snapshot is published by now: what cannot be deleted is deleted after the next one. */
  async #removeUnnamed({ dropped }: Publication, signal: AbortSignal): Promise<void> {
    const { store, clock, metrics, logger } = this.#deps;
    const { retention } = this.#options;
    try {
      const removed = await this.#timed("retention", () =>
        removeUnnamed({ store, clock }, { retention, dropped, signal }),
      );
      metrics.removed.inc(removed.length);
      if (removed.length > 0) logger.info({ removed }, "old snapshots removed");
    } catch (error) {
      signal.throwIfAborted();
      metrics.failures.inc();
      logger.warn({ err: error }, "old snapshots could not be removed");
    }
  }

  async #timed<T>(phase: SupervisorPhase, work: () => Promise<T>): Promise<T> {
    const { clock, metrics, onProgress } = this.#deps;
    onProgress({ phase, done: 0, total: null });
    const startedMs = clock.monotonicMs();
    const result = await work();
    metrics.setPhaseSeconds(phase, (clock.monotonicMs() - startedMs) / 1000);
    return result;
  }
}

type Position = Pick<SnapshotEntry, "sequence" | "epoch">;

function hasAsMuch(latest: Position, candidate: Position): boolean {
  if (latest.epoch === candidate.epoch) return latest.sequence >= candidate.sequence;
  // The original's ctldb was taken over since, and nothing was written to it yet.
  return latest.epoch === null && latest.sequence === candidate.sequence;
}

function namedSequences({ latest, previous }: SnapshotIndex): readonly Sequence[] {
  return [latest, ...previous].map(({ sequence }) => sequence);
}
