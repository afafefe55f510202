/**
 * Where records go: for each partition that is read, its lane and the offset that comes next.
 *
 * A lane gets every record of its partitions from its position on, each once: what was read before that, or is of a
 * partition that was given away, is dropped here.
 */
import type { Fetched, KafkaRecord, Position, TopicPartition } from "../../kafka/consumer.ts";
import type { PartitionLag } from "../status/lag.ts";

/** What a route needs of a lane. */
export interface RecordSink {
  /** 1 is full; it takes more all the same. */
  readonly fullness: number;
  /** Partitions of it that should wait for the others. */
  readonly ahead: readonly TopicPartition[];
  offer(records: readonly KafkaRecord[]): void;
  reachedEnd(position: Position): void;
}

export interface Route {
  readonly partition: TopicPartition;
  readonly sink: RecordSink;
  readonly lag: PartitionLag;
  /** Nothing from this offset on is wanted: where a run that ends by itself stops reading. Null reads on. */
  readonly target: number | null;
  /** The first offset that has not been handed on. */
  next: number;
  /** The target has been reached, and the lane knows. */
  isComplete: boolean;
}

export class Routes {
  readonly #byTopic = new Map<string, Map<number, Route>>();
  readonly #sinks = new Set<RecordSink>();

  /** The partitions that are read, and from where. */
  get positions(): Position[] {
    return this.all.map(({ partition, next }) => ({ ...partition, next }));
  }

  get all(): Route[] {
    return [...this.#byTopic.values()].flatMap((routes) => [...routes.values()]);
  }

  /** Each lane that has a partition here. */
  get sinks(): readonly RecordSink[] {
    return [...this.#sinks];
  }

  get isEmpty(): boolean {
    return this.#byTopic.size === 0;
  }

  add(route: Route): void {
    const { topic, partition } = route.partition;
    const routes = this.#byTopic.get(topic) ?? new Map<number, Route>();
    this.#byTopic.set(topic, routes.set(partition, route));
    this.#sinks.add(route.sink);
    if (route.target !== null && route.next >= route.target) complete(route, route.target);
  }

  /** Forgets the partitions of a lane. */
  removeSink(sink: RecordSink): void {
    this.#sinks.delete(sink);
    for (const [topic, routes] of this.#byTopic) {
      for (const [partition, route] of routes) if (route.sink === sink) routes.delete(partition);
      if (routes.size === 0) this.#byTopic.delete(topic);
    }
  }

  clear(): void {
    this.#byTopic.clear();
    this.#sinks.clear();
  }

  /** Hands on what was fetched. @returns how many records were wanted */
  handOn({ records, ends }: Fetched): number {
    const wanted = new Map<RecordSink, KafkaRecord[]>();
    const ended: { route: Route; next: number }[] = [];
    let count = 0;
    for (const record of records) {
      const route = this.#find(record);
      if (route === null || record.offset < route.next || route.isComplete) continue;
      if (route.target !== null && record.offset >= route.target) {
        route.isComplete = true;
        ended.push({ route, next: route.target });
        continue;
      }
      route.next = record.offset + 1;
      route.lag.read(record.offset, record.timestampMs);
      const list = wanted.get(route.sink);
      if (list === undefined) wanted.set(route.sink, [record]);
      else list.push(record);
      count += 1;
    }
    for (const end of ends) {
      const route = this.#find(end);
      if (route === null || route.isComplete || end.next < route.next) continue;
      route.lag.sawEnd(end.next);
      ended.push({ route, next: end.next });
    }
    for (const [sink, list] of wanted) sink.offer(list);
    // After the records that lie before it.
    for (const { route, next } of ended) complete(route, next);
    return count;
  }

  #find({ topic, partition }: TopicPartition): Route | null {
    return this.#byTopic.get(topic)?.get(partition) ?? null;
  }
}

function complete(route: Route, next: number): void {
  route.next = Math.max(route.next, next);
  if (route.target !== null && next >= route.target) route.isComplete = true;
  route.sink.reachedEnd({ ...route.partition, next });
}
