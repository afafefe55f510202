/**
 * The Supervisor's loop: a snapshot every interval, never two at once. One that takes longer than the interval is
 * followed by the next at once (R24). It ends only when it is asked to: everything else is shown, and tried again.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { CtlstoreError, isCtlstoreError, messageOf } from "../../core/errors.ts";
import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import { type Backoff, createBackoff } from "../../core/process/backoff.ts";
import { VERSION } from "../../core/version.ts";
import { FREEZE_PHASES } from "../freeze/contract.ts";
import { clearWorkFolder } from "../freeze/freeze.ts";
import { refusalOf } from "./followed-ldb.ts";
import { registerSupervisorMetrics, type SupervisorMetrics } from "./metrics.ts";
import {
  type CompleteSupervisorOptions,
  type SupervisorDeps,
  type SupervisorOptions,
  withDefaults,
} from "./options.ts";
import { type Outcome, SnapshotMaker } from "./snapshot-maker.ts";
import type {
  PhaseProgress,
  PublishedSnapshot,
  SupervisorReason,
  SupervisorState,
  SupervisorStatus,
} from "./state.ts";
import { TroubleLog } from "./trouble-log.ts";

export class Supervisor {
  readonly #deps: SupervisorDeps;
  readonly #options: CompleteSupervisorOptions;
  readonly #metrics: SupervisorMetrics;
  readonly #maker: SnapshotMaker;
  readonly #trouble: TroubleLog;
  readonly #backoff: Backoff;
  #state: SupervisorState = "starting";
  #reason: SupervisorReason | null = null;
  #progress: PhaseProgress | null = null;
  #published: PublishedSnapshot | null = null;
  #nextRunAtUs: number | null = null;
  #isWell = false;

  /** Empties the work folder: call with the LDB's writer lock held. */
  constructor(deps: SupervisorDeps, options: SupervisorOptions) {
    const { clock, logger, random = Math.random } = deps;
    this.#deps = deps;
    this.#options = withDefaults(options, { id: `${hostname()}-${randomBytes(4).toString("hex")}` });
    this.#metrics = registerSupervisorMetrics(deps.metrics);
    const { intervalMs, backoffMs, ldbFolder } = this.#options;
    clearWorkFolder(ldbFolder);
    this.#maker = new SnapshotMaker(
      { ...deps, metrics: this.#metrics, onProgress: (progress) => this.#work(progress) },
      this.#options,
    );
    this.#trouble = new TroubleLog({ logger, clock, metrics: this.#metrics }, intervalMs);
    this.#backoff = createBackoff(
      { baseMs: backoffMs.base, maxMs: Math.min(backoffMs.max, intervalMs) },
      random,
    );
  }

  status(): SupervisorStatus {
    const { clock, store, followed } = this.#deps;
    const { latest } = this.#maker;
    return {
      state: this.#state,
      reason: this.#reason,
      version: VERSION,
      id: this.#options.id,
      store: store.url,
      published: this.#published,
      latest: latest && { sequence: latest.sequence, epoch: latest.epoch, createdAt: latest.createdAt },
      latestAgeSeconds: latest && (clock.nowUs() / 1000 - Date.parse(latest.createdAt)) / 1000,
      progress: this.#progress,
      keptSequence: this.#maker.keptSequence,
      nextRunAtUs: this.#nextRunAtUs,
      reflector: followed.details(),
    };
  }

  /** True when the last attempt ended well, whatever is going on now. */
  get isWell(): boolean {
    return this.#isWell;
  }

  refreshMetrics(): void {
    this.#metrics.refresh(this.status());
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const pauseMs = await this.#round(signal);
        this.#nextRunAtUs = this.#deps.clock.nowUs() + pauseMs * 1000;
        await this.#deps.clock.sleep(pauseMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.close();
    }
  }

  /** One attempt. @throws CtlstoreError as `SnapshotMaker.run` does */
  async runOnce(signal: AbortSignal): Promise<Outcome> {
    this.#nextRunAtUs = null;
    try {
      const outcome = await this.#maker.run(signal);
      this.#succeed(outcome);
      return outcome;
    } finally {
      this.#progress = null;
    }
  }

  close(): void {
    this.#maker.close();
  }

  /** One attempt, whatever comes of it; says how long to wait for the next. */
  async #round(signal: AbortSignal): Promise<number> {
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    try {
      await this.runOnce(signal);
      return Math.max(0, this.#jittered() - (clock.monotonicMs() - startedMs));
    } catch (error) {
      signal.throwIfAborted();
      return this.#fail(error);
    }
  }

  #jittered(): number {
    const { random = Math.random } = this.#deps;
    return this.#options.intervalMs * (1 + SNAPSHOT_LIMITS.intervalJitter * (2 * random() - 1));
  }

  #work(progress: PhaseProgress): void {
    const phases: readonly string[] = FREEZE_PHASES;
    this.#state = phases.includes(progress.phase) ? "freezing" : "publishing";
    this.#progress = progress;
  }

  #succeed(outcome: Outcome): void {
    const { clock, logger } = this.#deps;
    this.#state = "waiting";
    this.#reason = null;
    this.#isWell = true;
    this.#trouble.succeeded();
    this.#backoff.reset();
    if (outcome.kind === "overtaken") {
      this.#metrics.overtaken.inc();
      logger.info({ latest: outcome.latest.sequence }, "another Supervisor was faster");
    }
    if (outcome.kind !== "published") return;
    const { entry, fresh } = outcome.publication;
    this.#published = {
      sequence: entry.sequence,
      atUs: clock.nowUs(),
      plainBytes: outcome.frozen.plain.bytes,
      compressedBytes: outcome.frozen.compressed.bytes,
    };
    this.#metrics.published.inc();
    const { plainBytes, compressedBytes } = this.#published;
    logger.info(
      { sequence: entry.sequence, plainBytes, compressedBytes, again: !fresh },
      "snapshot published",
    );
  }

  #fail(error: unknown): number {
    this.#reason = reasonOf(error);
    this.#isWell = false;
    if (isCtlstoreError(error) && error.code === "snapshot_refused") return this.#refuse(this.#reason);
    this.#state = "failing";
    this.#trouble.failed(this.#reason);
    return this.#backoff.nextMs();
  }

  #refuse(reason: SupervisorReason): number {
    const { intervalMs, recheckMs, allowSkips } = this.#options;
    const followed = this.#deps.followed.status();
    const isOfLdb = refusalOf(followed, { allowSkips }) !== null;
    const kind = isOfLdb ? `${followed.state} ${followed.reason?.code ?? ""}` : "the store";
    this.#state = "refused";
    // Every start passes through these; what lasts soon shows as a Reflector that is stuck.
    const isOnItsWay = followed.state === "starting" || followed.state === "bootstrapping";
    if (!isOnItsWay) this.#trouble.refused(reason, kind);
    // It costs nothing to look at a Reflector; what the store has will not change by itself.
    return isOfLdb ? Math.min(recheckMs, intervalMs) : intervalMs;
  }
}

function reasonOf(error: unknown): SupervisorReason {
  if (!(error instanceof CtlstoreError)) return { code: "internal", message: messageOf(error) };
  const { hint } = error.details;
  return { code: error.code, message: error.message, ...(hint === undefined ? {} : { hint }) };
}
