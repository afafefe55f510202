/**
 * Kafka in memory, behind the loader's own interface: logs per partition, and consumer groups whose rebalances a test can
 * ask for.
 *
 * What it keeps of the real client (loader/kafka/client.ts): nothing is read before `assign`; group callbacks come from
 * `fetch` only, revocation before assignment (eager), `roundrobin`; an assignment in between is ignored; a position that
 * is not in the log is found out by the fetch. What it does not have: time (members never expire by themselves; a test
 * expels them), transactions, compaction, several brokers. The real client against the real protocol is in tests/loader/kafka
 * and in the tests of processes.
 */
import { CtlstoreError } from "../../../core/errors.ts";
import type {
  Fetched,
  GroupListener,
  Kafka,
  KafkaConsumer,
  KafkaProducer,
  KafkaRecord,
  OutgoingRecord,
  Position,
  TopicPartition,
  Watermarks,
} from "../../../loader/kafka/consumer.ts";

export interface ProducedText {
  readonly key?: string | null;
  readonly value: string | null;
  readonly timestampMs?: number;
}

interface Log {
  low: number;
  high: number;
  records: KafkaRecord[];
}

const BATCH_RECORDS = 500;

export class FakeKafka implements Kafka {
  readonly #topics = new Map<string, Log[]>();
  readonly #wakeups = new Set<() => void>();
  readonly group = new FakeGroup(() => this.#wake());
  /** Records that went to it by a producer. */
  readonly sent: OutgoingRecord[] = [];
  /** What every call fails with; null works. */
  away: CtlstoreError | null = null;
  /** Calls of `commit`, newest last. */
  readonly committed: Position[][] = [];
  consumers = 0;
  readonly #frozen = new Set<string>();

  /** A consumer's fetches hang: its process was stopped. */
  freeze(name: string): void {
    this.#frozen.add(name);
  }

  thaw(name: string): void {
    this.#frozen.delete(name);
    this.#wake();
  }

  isFrozen(name: string): boolean {
    return this.#frozen.has(name);
  }

  createTopic(topic: string, partitions: number): void {
    const logs = this.#topics.get(topic) ?? [];
    while (logs.length < partitions) logs.push({ low: 0, high: 0, records: [] });
    this.#topics.set(topic, logs);
    this.#wake();
  }

  deleteTopic(topic: string): void {
    this.#topics.delete(topic);
  }

  get topics(): ReadonlyMap<string, number> {
    return new Map([...this.#topics].map(([topic, logs]) => [topic, logs.length]));
  }

  produce(topic: string, partition: number, records: readonly ProducedText[]): void {
    const log = this.log({ topic, partition });
    for (const { key = null, value, timestampMs } of records) {
      log.records.push({
        topic,
        partition,
        offset: log.high,
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        headers: new Map(),
        timestampMs: timestampMs ?? Date.now(),
      });
      log.high += 1;
    }
    this.#wake();
  }

  /** As retention does. */
  deleteRecords(partition: TopicPartition, before: number): void {
    const log = this.log(partition);
    log.low = Math.max(log.low, Math.min(before, log.high));
    log.records = log.records.filter(({ offset }) => offset >= log.low);
  }

  log({ topic, partition }: TopicPartition): Log {
    const log = this.#topics.get(topic)?.[partition];
    if (log === undefined) throw unknownTopic(topic);
    return log;
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.#topics.get(topic)?.[partition] !== undefined;
  }

  /** Resolves after the time, or at the next change of any log or group. */
  changed(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wakeups.delete(done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      this.#wakeups.add(done);
    });
  }

  consumer(): FakeConsumer {
    this.consumers += 1;
    return new FakeConsumer(this, `member-${this.consumers}`);
  }

  producer(): KafkaProducer {
    return {
      send: async (record) => {
        if (this.away !== null) throw this.away;
        this.sent.push(record);
      },
      close: async () => {},
    };
  }

  #wake(): void {
    for (const wake of [...this.#wakeups]) wake();
  }
}

export class FakeConsumer implements KafkaConsumer {
  readonly name: string;
  readonly #kafka: FakeKafka;
  #positions = new Map<string, Position>();
  readonly #paused = new Set<string>();
  readonly #toldEnds = new Map<string, number>();
  #isFetching = false;
  isClosed = false;

  constructor(kafka: FakeKafka, name: string) {
    this.#kafka = kafka;
    this.name = name;
  }

  async partitionsOf(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#assertThere();
    return new Map(
      topics.map((topic) => {
        const count = this.#kafka.topics.get(topic);
        if (count === undefined) throw unknownTopic(topic);
        return [topic, count];
      }),
    );
  }

  async watermarks(partition: TopicPartition): Promise<Watermarks> {
    this.#assertThere();
    const { low, high } = this.#kafka.log(partition);
    return { low, high };
  }

  join(topics: readonly string[], listener: GroupListener): void {
    this.#kafka.group.join(this.name, topics, listener);
  }

  assign(positions: readonly Position[]): void {
    if (this.#isFetching) throw new Error("assign was called during a fetch");
    if (this.#kafka.group.has(this.name) && !this.#kafka.group.isAssigned(this.name)) return;
    this.#positions = new Map(positions.map((position) => [keyOf(position), position]));
    this.#paused.clear();
    this.#toldEnds.clear();
  }

  /** What it reads, for tests. */
  get assigned(): readonly Position[] {
    return [...this.#positions.values()];
  }

  async fetch(waitMs: number): Promise<Fetched> {
    if (this.#isFetching) throw new Error("two fetches at once");
    this.#isFetching = true;
    try {
      while (this.#kafka.isFrozen(this.name)) await this.#kafka.changed(1_000);
      this.#assertThere();
      if (this.#followGroup()) return { records: [], ends: [] };
      const fetched = this.#take();
      if (fetched.records.length > 0 || fetched.ends.length > 0) return fetched;
      await this.#kafka.changed(waitMs);
      if (this.#followGroup()) return { records: [], ends: [] };
      return this.#take();
    } finally {
      this.#isFetching = false;
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.add(keyOf(partition));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(keyOf(partition));
  }

  commit(positions: readonly Position[]): void {
    this.#kafka.committed.push([...positions]);
  }

  takeTroubles(): readonly string[] {
    return [];
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.#kafka.group.leave(this.name);
  }

  #followGroup(): boolean {
    return this.#kafka.group.follow(this.name, this.#kafka.topics, () => {
      this.#positions.clear();
    });
  }

  #assertThere(): void {
    if (this.#kafka.away !== null) throw this.#kafka.away;
  }

  #take(): Fetched {
    const records: KafkaRecord[] = [];
    const ends: Position[] = [];
    for (const [key, position] of this.#positions) {
      if (this.#paused.has(key) || !this.#kafka.has(position)) continue;
      const log = this.#kafka.log(position);
      if (position.next < log.low || position.next > log.high) throw lost(position);
      const taken = log.records.filter(({ offset }) => offset >= position.next).slice(0, BATCH_RECORDS);
      records.push(...taken);
      const last = taken.at(-1);
      const next = last === undefined ? position.next : last.offset + 1;
      this.#positions.set(key, { ...position, next });
      if (next < log.high || this.#toldEnds.get(key) === next) continue;
      this.#toldEnds.set(key, next);
      ends.push({ topic: position.topic, partition: position.partition, next });
    }
    return { records, ends };
  }
}

interface Member {
  readonly topics: readonly string[];
  readonly listener: GroupListener;
  phase:
    | "give-back" // a rebalance has begun: it gives back what it has at its next fetch
    | "waiting" // for the others to do the same
    | "given" // its share is known, and will be told at its next fetch
    | "told";
  /** What it was told, and has not given back; null when nothing. */
  told: readonly TopicPartition[] | null;
  share: readonly TopicPartition[];
}

export class FakeGroup {
  readonly #members = new Map<string, Member>();
  readonly #expelled = new Map<string, Member>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  has(name: string): boolean {
    return this.#members.has(name) || this.#expelled.has(name);
  }

  isAssigned(name: string): boolean {
    return ((this.#members.get(name) ?? this.#expelled.get(name))?.told ?? null) !== null;
  }

  join(name: string, topics: readonly string[], listener: GroupListener): void {
    const told = this.#members.get(name)?.told ?? null;
    this.#members.set(name, { topics, listener, phase: "give-back", told, share: [] });
    this.rebalance();
  }

  leave(name: string): void {
    this.#expelled.delete(name);
    if (this.#members.delete(name)) this.rebalance();
  }

  /** Everybody gives back what it has, at its next fetch. */
  rebalance(): void {
    for (const member of this.#members.values()) member.phase = "give-back";
    this.#onChange();
  }

  /** As when a member was not heard of for too long: the others share what it had, and it does not know. */
  expel(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    this.#expelled.set(name, member);
    this.rebalance();
  }

  /**
   * The member's part in a rebalance, within its fetch.
   * @param forget what the consumer reads
   * @returns whether it was told anything
   */
  follow(name: string, topics: ReadonlyMap<string, number>, forget: () => void): boolean {
    const lost = this.#expelled.get(name);
    if (lost !== undefined) {
      this.#expelled.delete(name);
      forget();
      if (lost.told !== null) lost.listener.onRevoked(true);
      this.join(name, lost.topics, lost.listener);
      return true;
    }
    const member = this.#members.get(name);
    if (member === undefined) return false;
    if (member.phase === "give-back") {
      member.phase = "waiting";
      this.#onChange();
      if (member.told !== null) {
        member.told = null;
        forget();
        member.listener.onRevoked(false);
        return true;
      }
    }
    if (member.phase === "waiting" && [...this.#members.values()].every(({ phase }) => phase === "waiting"))
      this.#share(topics);
    if (member.phase !== "given") return false;
    member.phase = "told";
    member.told = member.share;
    member.listener.onAssigned(member.share);
    return true;
  }

  /** `roundrobin`: all partitions in their order are dealt to the members in theirs, who pass on those that they do not want. */
  #share(topics: ReadonlyMap<string, number>): void {
    const names = [...this.#members.keys()].sort();
    const shares = new Map<string, TopicPartition[]>(names.map((name) => [name, []]));
    let turn = 0;
    for (const topic of [...topics.keys()].sort()) {
      const wants = (name: string) => this.#members.get(name)?.topics.includes(topic) === true;
      if (!names.some(wants)) continue;
      for (let partition = 0; partition < (topics.get(topic) ?? 0); partition++) {
        while (!wants(names[turn % names.length] ?? "")) turn += 1;
        shares.get(names[turn % names.length] ?? "")?.push({ topic, partition });
        turn += 1;
      }
    }
    for (const [name, member] of this.#members) {
      member.phase = "given";
      member.share = shares.get(name) ?? [];
    }
    this.#onChange();
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function unknownTopic(topic: string): CtlstoreError {
  return new CtlstoreError("kafka_topic_unknown", `Cannot look up topic ${topic}: there is none`);
}

function lost({ topic, partition, next }: Position): CtlstoreError {
  return new CtlstoreError("events_lost", `Cannot read ${topic} [${partition}] at offset ${next}`);
}
