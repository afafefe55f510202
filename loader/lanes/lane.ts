/** A lane: records of its partitions in, batches under its cookie out, each event once (I3, R30). */
import type { KafkaRecord, Position } from "../kafka/consumer.ts";
import type { LaneDeps, LaneOptions, LanePlan, LaneStatus } from "./lane-contract.ts";

/** Lives from one `open` to the end of its `run`; after that, or after a lost partition, make another one. */
export class Lane {
  readonly plan: LanePlan;

  constructor(plan: LanePlan, deps: LaneDeps, options: LaneOptions = {}) {
    this.plan = plan;
    void deps;
    void options;
  }

  /**
   * Registers the writer and reads its cookie. One attempt: whoever calls it waits while the Executive is away.
   *
   * @returns for each partition of the plan where to read from: the cookie's offset, or an earlier one when marks of an
   *   open snapshot are read again, or -1 when the cookie does not know the partition. Tell each by `begin`.
   * @throws CtlstoreError `cookie_foreign`, `bad_credentials`, `writer_exists`, and `ctldb_unavailable` and others that pass
   */
  open(signal: AbortSignal): Promise<readonly Position[]> {
    throw signal;
  }

  /** Where reading of a partition really begins; elsewhere than `open` said only if events are lost and that is accepted. */
  begin(position: Position): void {
    void position;
  }

  /** Takes records, in the order of each partition. Takes them also when `isFull`: then stop fetching. */
  offer(records: readonly KafkaRecord[]): void {
    void records;
  }

  /** The partition has been read to its present end. */
  reachedEnd(position: Position): void {
    void position;
  }

  get isFull(): boolean {
    return false;
  }

  /** Every partition has been read to its end, and all of that has taken effect. Positions alone may still be unwritten: `run` writes them when it is stopped. */
  get isCaughtUp(): boolean {
    return false;
  }

  /**
   * Loads until the signal aborts, then ends the batch under way, within `stopMs`.
   *
   * @throws CtlstoreError `event_malformed`, `event_unmapped`, `event_refused` at an event that cannot be loaded;
   *   `cookie_conflict` when somebody else moved the cookie (nothing was changed: open a new lane);
   *   `dead_letters_unavailable`, `mapping_invalid`, `bad_credentials`, …
   */
  run(signal: AbortSignal): Promise<void> {
    throw signal;
  }

  /** What the cookie has, for the group's committed offsets. */
  appliedPositions(): readonly Position[] {
    return [];
  }

  status(): LaneStatus {
    throw new Error("not yet");
  }
}
