/** Makes lanes of the loader's parts: what they share, once; what remembers something, anew for each opening. */
import { createClient, type FetchLike } from "../client/index.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Tracer } from "../core/process/tracing/tracer.ts";
import type { DeadLetters } from "./dead-letters/dead-letters.ts";
import { createDecoder } from "./events/decoder.ts";
import { createLaneWriter } from "./lanes/batches/lane-writer.ts";
import { Lane } from "./lanes/lane.ts";
import type { LanePlan } from "./lanes/lane-contract.ts";
import type { LaneMeter } from "./lanes/lane-meter.ts";
import type { SnapshotTracker } from "./lanes/snapshot-tracker.ts";
import { PlainUnitMaker } from "./lanes/units/plain-unit-maker.ts";
import type { UnitMaker } from "./lanes/units/unit-maker.ts";
import type { MappingKeeper } from "./mapping/mapping.ts";
import type { MakeLane } from "./service/lanes/served-lane.ts";
import { createLaneSnapshots } from "./snapshots/lane-snapshots.ts";
import type { SnapshotMetrics } from "./snapshots/snapshot-meter.ts";
import type { TransactionMeter } from "./transactions/transaction-meter.ts";
import { TransactionUnitMaker } from "./transactions/transaction-unit-maker.ts";

export interface LaneMakerDeps {
  readonly keeper: MappingKeeper;
  readonly deadLetters: DeadLetters | null;
  readonly meter: LaneMeter;
  readonly snapshotMetrics: SnapshotMetrics;
  readonly transactionMeter: TransactionMeter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly fetch?: FetchLike;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

export interface LaneMakerOptions {
  /** Where the Executive listens. */
  readonly executive: string;
  /** Reads schemas, makes the lanes' writers known. */
  readonly adminToken: string;
  /** Of all writers. */
  readonly secret: string;
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly lingerMs: number;
  readonly keepRepeats: boolean;
  readonly preserveTransactions: boolean;
  readonly transactionWaitMs: number;
}

/** @param patienceMs how long a lane waits for what is away; null for ever */
export function laneMaker(
  deps: LaneMakerDeps,
  options: LaneMakerOptions,
  patienceMs: number | null,
): MakeLane {
  const { keeper, snapshotMetrics, logger, clock, random, fetch } = deps;
  const { executive: url, adminToken, secret, batchRows, batchBytes, lingerMs, keepRepeats } = options;
  const sent = fetch === undefined ? {} : { fetch };
  const client = createClient(url, { adminToken, ...sent });
  const decoder = createDecoder({ transactionTopic: keeper.current.transactionTopic });
  const family = keeper.current.families[0] ?? "";
  return (plan) => {
    const snapshots = createLaneSnapshots(plan, {
      client,
      clock,
      logger: logger.child({ lane: plan.name }),
      random,
      meter: snapshotMetrics,
    });
    const { tracker, tableWorker } = snapshots;
    const writer = createLaneWriter({ url, adminToken, secret, writer: plan.writer, family, clock, ...sent });
    const unitMaker = unitMakerFor(plan, tracker, deps, options);
    return new Lane(
      plan,
      { ...deps, decoder, writer, unitMaker, tracker, tableWorker },
      { batchRows, batchBytes, lingerMs, keepRepeats, patienceMs },
    );
  };
}

function unitMakerFor(
  plan: LanePlan,
  tracker: SnapshotTracker,
  { clock, logger, transactionMeter, keeper }: LaneMakerDeps,
  { preserveTransactions, transactionWaitMs: waitMs, batchRows }: LaneMakerOptions,
): UnitMaker {
  const { transactionTopic } = keeper.current;
  if (!preserveTransactions || transactionTopic === null) return new PlainUnitMaker(tracker, clock);
  return new TransactionUnitMaker(
    { tracker, meter: transactionMeter, logger: logger.child({ lane: plan.name }) },
    { transactionTopic, partitions: plan.partitions, waitMs, batchRows },
  );
}
