/** Puts the parts of a lane together, and fills in the defaults of its options. */
import { LANE_LIMITS } from "../../core/limits.ts";
import type { Logger } from "../../core/process/logger.ts";
import { BatchQueue } from "./batches/batch-queue.ts";
import { Deliverer } from "./batches/deliverer.ts";
import { Remapper } from "./batches/remap.ts";
import { Sender } from "./batches/sender.ts";
import { CookieChain } from "./cookie/cookie-chain.ts";
import { EMPTY_LANE_STATE, type OpenSnapshot } from "./cookie/lane-state.ts";
import type { LaneDeps, LaneOptions, LanePlan } from "./lane-contract.ts";
import { LaneTally } from "./lane-tally.ts";
import { EventMapper } from "./records/event-mapper.ts";
import { Intake } from "./records/intake.ts";
import { LaneReader } from "./records/lane-reader.ts";
import { RecordMapper } from "./records/map-record.ts";
import { Poison } from "./records/poison.ts";
import { BatchLimits } from "./units/batch-limits.ts";
import { Waits } from "./waits.ts";
import { Wakeup } from "./wakeup.ts";

export interface LaneParts {
  readonly logger: Logger;
  readonly tally: LaneTally;
  readonly waits: Waits;
  readonly intake: Intake;
  readonly queue: BatchQueue;
  readonly reader: LaneReader;
  readonly chain: CookieChain;
  readonly deliverer: Deliverer;
  /** Tells that rows which vanish by this snapshot will not be found. */
  forgotten(snapshot: OpenSnapshot, why: string): void;
}

export function assembleLane(plan: LanePlan, deps: LaneDeps, options: LaneOptions): LaneParts {
  const logger = deps.logger.child({ lane: plan.name });
  const forgotten = forgetter(logger);
  const tally = new LaneTally(deps.meter);
  const waits = new Waits(
    { clock: deps.clock, logger, random: deps.random ?? Math.random, onRetry: tally.retry },
    options.patienceMs ?? null,
  );
  const offered = new Wakeup();
  const intake = intakeOf(plan, options, offered);
  const limits = new BatchLimits({
    rows: options.batchRows ?? LANE_LIMITS.batchRows,
    bytes: options.batchBytes ?? LANE_LIMITS.batchBytes,
    keepRepeats: options.keepRepeats ?? false,
  });
  const queue = new BatchQueue(deps.clock, {
    limits,
    lingerMs: options.lingerMs ?? LANE_LIMITS.lingerMs,
    idleCookieMs: options.idleCookieMs ?? LANE_LIMITS.idleCookieMs,
    hasMore: () => intake.count > 0,
  });
  const chain = new CookieChain(
    { state: EMPTY_LANE_STATE, cookie: new Uint8Array() },
    {
      snapshot: (snapshot) => forgotten(snapshot, "the cookie has no room for it"),
      retired: (topics) =>
        logger.warn(
          { topics },
          "positions of topics that the lane has no more are forgotten: no room for them",
        ),
    },
  );
  const shared = { ...deps, logger, meter: tally, waits };
  const mapper = new RecordMapper(deps.decoder, deps.keeper);
  const poison = new Poison(shared);
  const events = new EventMapper({ ...shared, mapper, poison });
  const reader = new LaneReader({ ...shared, intake, queue, offered, mapper, events });
  const sender = new Sender(deps.writer, waits, tally);
  const remapper = new Remapper(events);
  const deliverer = new Deliverer(
    { ...shared, sender, chain, poison, remapper, onBatch: (measure) => tally.batch(measure) },
    { limits, keepRepeats: options.keepRepeats ?? false },
  );
  return { logger, tally, waits, intake, queue, reader, chain, deliverer, forgotten };
}

function intakeOf(plan: LanePlan, options: LaneOptions, offered: Wakeup): Intake {
  const { intakeRecords = LANE_LIMITS.intakeRecords, intakeBytes = LANE_LIMITS.intakeBytes } = options;
  const limits = { records: intakeRecords, bytes: intakeBytes };
  return new Intake(plan.partitions, limits, () => offered.notify());
}

function forgetter(logger: Logger): LaneParts["forgotten"] {
  return ({ family, table }, why) =>
    logger.warn(
      { family, table, why },
      "open snapshot forgotten: rows that vanished are not found; take another snapshot",
    );
}
