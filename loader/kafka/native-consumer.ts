/**
 * The consumer, on the addon's low-level one.
 *
 * The addon fetches on a thread; whatever changes what is read (assign, pause, the group's rebalances) is done between two
 * fetches only, and what a fetch brought of an assignment that was replaced meanwhile is dropped. So no record of before a
 * change is ever handed out after it, and none of after it is lost.
 */
import type { CtlstoreError } from "../../core/errors.ts";
import { KAFKA_LIMITS } from "../../core/limits.ts";
import { untilAborted } from "../../core/process/until-aborted.ts";
import { asNativeError, Connection, callNow } from "./connection.ts";
import type {
  Fetched,
  GroupListener,
  KafkaConsumer,
  Position,
  TopicPartition,
  Watermarks,
} from "./consumer.ts";
import { GroupMembership } from "./group-membership.ts";
import { kindOf, toCtlstoreError } from "./kafka-errors.ts";
import type {
  NativeConsumer,
  NativeError,
  NativeMessage,
  NativePartition,
  NativePosition,
  RebalanceCallback,
} from "./native.ts";
import { partitionKey } from "./partition-key.ts";
import { Pauses } from "./pauses.ts";
import { lostAt, ProgressWatch } from "./progress-watch.ts";
import { Questions } from "./questions.ts";
import { recordBytes } from "./record-bytes.ts";
import { toRecord } from "./records.ts";

export interface NativeConsumerDeps {
  readonly make: (onRebalance: RebalanceCallback) => NativeConsumer;
  readonly monotonicMs: () => number;
}

const NOTHING: Fetched = { records: [], ends: [] };

export class AddonConsumer implements KafkaConsumer {
  readonly #connection: Connection<NativeConsumer>;
  /**
   * Another client, for questions alone: a broker answers one request of a connection after the other, and a fetch at the
   * end of a partition takes half a second. Behind those, thousands of partitions would take an hour to be looked at.
   */
  readonly #asking: Connection<NativeConsumer>;
  readonly #monotonicMs: () => number;
  readonly #watch = new ProgressWatch();
  readonly #questions: Questions;
  readonly #ends = new Map<string, Position>();
  #group: GroupMembership | null = null;
  #wantedPositions: readonly Position[] | null = null;
  readonly #pauses = new Pauses();
  /** Found by looking at a quiet partition; thrown by the next fetch. */
  #found: CtlstoreError | null = null;
  #batchRecords: number = KAFKA_LIMITS.batch.firstRecords;
  #fetching: Promise<unknown> | null = null;
  #isClosing = false;

  constructor({ make, monotonicMs }: NativeConsumerDeps, brokers: string) {
    this.#monotonicMs = monotonicMs;
    this.#connection = new Connection(() => this.#prepare(make), serve, brokers);
    this.#asking = new Connection(() => make(() => {}), serve, brokers);
    this.#questions = new Questions(this.#asking, serve);
  }

  async partitionsOf(topics: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const topic of topics) {
      counts.set(topic, await untilAborted(this.#questions.partitionCount(topic), signal));
    }
    return counts;
  }

  async watermarks(partition: TopicPartition, signal?: AbortSignal): Promise<Watermarks> {
    return untilAborted(this.#questions.watermarks(partition), signal);
  }

  join(topics: readonly string[], listener: GroupListener): void {
    // Kept when there is one: it may have noted what the listener has not been told yet.
    if (this.#group === null) this.#group = new GroupMembership(topics, listener);
    else this.#group.change(topics, listener);
  }

  assign(positions: readonly Position[]): void {
    if (this.#group !== null && !this.#group.hasPartitions) return;
    this.#wantedPositions = positions;
    this.#found = null;
    this.#pauses.clear();
    this.#watch.assign(positions, this.#monotonicMs());
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#want(partitions, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#want(partitions, false);
  }

  #want(partitions: readonly TopicPartition[], isPaused: boolean): void {
    for (const { topic, partition } of partitions) {
      if (!this.#watch.has({ topic, partition })) continue;
      this.#pauses.want({ topic, partition }, isPaused);
      this.#watch.setPaused({ topic, partition }, isPaused, this.#monotonicMs());
    }
  }

  async fetch(waitMs: number): Promise<Fetched> {
    const fetching = this.#fetch(waitMs);
    this.#fetching = fetching.catch(() => {});
    return fetching;
  }

  async #fetch(waitMs: number): Promise<Fetched> {
    const client = await this.#connection.client();
    this.#apply(client);
    this.#lookAtQuietOne();
    const found = this.#found;
    this.#found = null;
    if (found !== null) throw found;
    const messages = await this.#consume(client, waitMs);
    const ends = this.#takeEnds();
    const isRegrouped = this.#group?.tell(client, () => this.#forgetAssignment()) ?? false;
    if (isRegrouped || this.#wantedPositions !== null || this.#isClosing) return NOTHING;
    return this.#accept(messages, ends);
  }

  /** Does what was asked for since the last fetch. */
  #apply(client: NativeConsumer): void {
    this.#group?.join(client);
    const positions = this.#wantedPositions;
    if (positions !== null) {
      this.#ends.clear(); // a fetch that failed may have left some, of what was read before
      this.#pauses.release(client);
      callNow("begin reading", () => client.assign(positions.map(toNative)));
      this.#wantedPositions = null;
    }
    this.#pauses.apply(client);
  }

  async #consume(client: NativeConsumer, waitMs: number): Promise<readonly NativeMessage[]> {
    // Zero would be taken for "none given".
    client.setDefaultConsumeTimeout(Math.max(1, Math.round(waitMs)));
    return new Promise((resolve, reject) => {
      client.consume(this.#batchRecords, (error, messages) => {
        if (!error) resolve(messages);
        else this.#onConsumeError(error).then(() => resolve([]), reject);
      });
    });
  }

  /** @throws CtlstoreError what does not heal by itself */
  async #onConsumeError(error: NativeError): Promise<void> {
    const kind = kindOf(error);
    if (kind === "passing") {
      this.#connection.noteTrouble(error);
    } else if (kind === "offset-out-of-range") {
      throw (await this.#findLost()) ?? toCtlstoreError("go on reading", error);
    } else {
      throw toCtlstoreError("read", error);
    }
  }

  /** The addon does not say which partition its error is about. */
  async #findLost(): Promise<CtlstoreError | null> {
    for (const position of this.#watch.positions()) {
      const lost = lostAt(position, await this.#questions.watermarks(position));
      if (lost !== null) return lost;
    }
    return null;
  }

  #lookAtQuietOne(): void {
    const position = this.#watch.due(this.#monotonicMs());
    if (position === null) return;
    this.#questions.watermarks(position).then(
      (watermarks) => {
        const lost = lostAt(position, watermarks);
        if (lost !== null && this.#watch.isAt(position)) this.#found = lost;
      },
      (error: unknown) => this.#connection.noteTrouble(asNativeError(error)),
    );
  }

  #forgetAssignment(): void {
    this.#wantedPositions = null;
    this.#found = null;
    this.#pauses.clear();
    this.#watch.assign([], this.#monotonicMs());
  }

  #takeEnds(): readonly Position[] {
    const ends = [...this.#ends.values()];
    this.#ends.clear();
    return ends;
  }

  #accept(messages: readonly NativeMessage[], ends: readonly Position[]): Fetched {
    const nowMs = this.#monotonicMs();
    let bytes = 0;
    const records = messages.map((message) => {
      const record = toRecord(message);
      bytes += recordBytes(record);
      this.#watch.advance(record, record.offset + 1, nowMs);
      return record;
    });
    this.#chooseBatch(records.length, bytes);
    if (ends.length === 0) return { records, ends };
    // Records may have come behind an end that was told in the same fetch.
    const lastOf = new Map(records.map((record) => [partitionKey(record), record.offset]));
    const present = ends.filter((end) => (lastOf.get(partitionKey(end)) ?? -1) < end.next);
    for (const end of present) this.#watch.advance(end, end.next, nowMs);
    return { records, ends: present };
  }

  /** So many records as fit the memory for one batch, as large as they were last time. */
  #chooseBatch(records: number, bytes: number): void {
    if (records === 0) return;
    const { records: most, bytes: mostBytes } = KAFKA_LIMITS.batch;
    const fitting = Math.floor(mostBytes / Math.max(1, bytes / records));
    // Large ones may follow small ones: grows step by step, shrinks at once.
    this.#batchRecords = Math.max(1, Math.min(most, fitting, this.#batchRecords * 2));
  }

  commit(positions: readonly Position[]): void {
    if (positions.length === 0) return;
    void this.#connection.existing().then((client) => {
      try {
        client?.commit(positions.map(toNative));
      } catch {
        // It is for lag tools only, and comes again with the next one.
      }
    });
  }

  takeTroubles(): readonly string[] {
    return [...new Set([...this.#connection.takeTroubles(), ...this.#asking.takeTroubles()])];
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const ended = (async () => {
      const client = await this.#connection.existing();
      await this.#fetching;
      await disconnect(client);
    })();
    const asked = this.#asking.existing().then(disconnect);
    await Promise.race([Promise.all([ended, asked]), closeLimit()]);
  }

  #prepare(make: NativeConsumerDeps["make"]): NativeConsumer {
    const client = make((error, partitions) => this.#onRebalance(client, error, partitions));
    client.setDefaultIsTimeoutOnlyForFirstMessage(true);
    client.on("partition.eof", ({ topic, partition, offset }) => {
      const end = { topic, partition, next: offset };
      this.#ends.set(partitionKey(end), end);
    });
    this.#group?.forgetClient();
    this.#pauses.forgetClient();
    return client;
  }

  #onRebalance(
    client: NativeConsumer,
    error: NativeError | undefined,
    partitions: readonly NativePartition[],
  ): void {
    if (this.#isClosing) {
      // It waits for this answer before it leaves the group. Nobody could hear an error here.
      try {
        client.unassign();
      } catch {}
      return;
    }
    this.#group?.note(client, error, partitions);
  }
}

/** Nothing is assigned yet, so that no record can come. */
function serve(client: NativeConsumer): Promise<void> {
  client.setDefaultConsumeTimeout(1);
  return new Promise((resolve) => client.consume(1, () => resolve()));
}

async function disconnect(client: NativeConsumer | null): Promise<void> {
  if (client !== null) await new Promise<void>((resolve) => client.disconnect(() => resolve()));
}

function toNative({ topic, partition, next }: Position): NativePosition {
  return { topic, partition, offset: next };
}

function closeLimit(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, KAFKA_LIMITS.closeMs).unref());
}
