/**
 * A lane's state as the bytes of its writer's cookie: the one truth about what has taken effect (I3, R30).
 *
 *     "cl" · version · salt · step
 *     · number of topics · per topic, sorted: hash of its name · first partition · how many · (next + 1, or 0: unknown)…
 *     · number of snapshots · per snapshot, sorted: hash of its table · which topic · (how far back it began + 1, or 0)…
 *
 * Equal states and salts have equal bytes. Each lane that is opened has a salt of its own, so a cookie also says which of two
 * loaders wrote a batch: none takes the other's batch for its own, whose answer was lost.
 */
import { createHash } from "node:crypto";
import { CtlstoreError, quote } from "../../../core/errors.ts";
import type { LanePlan } from "../lane-contract.ts";
import { COOKIE_PARTS } from "./cookie-size.ts";
import { EMPTY_LANE_STATE, type LaneState, type OpenSnapshot } from "./lane-state.ts";
import { VarintReader, VarintWriter } from "./varint.ts";

const MAGIC = Uint8Array.of(0x63, 0x6c);
const VERSION = 1;
const NO_SALT = new Uint8Array(COOKIE_PARTS.salt);
/** Names a topic that the plan has no more; topics have no ":" in their names. */
const RETIRED = "hash:";

/** A topic that the lane's plan has no more: its positions are kept for the day when it comes back, while there is room. */
export function isRetired(topic: string): boolean {
  return topic.startsWith(RETIRED);
}

/** Bytes that no other lane has, with near certainty. */
export function newSalt(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(COOKIE_PARTS.salt));
}

/** Part of a topic's offsets as they lie in the cookie. */
interface TopicPart {
  readonly topic: string;
  readonly hash: string;
  readonly first: number;
  readonly count: number;
}

export function encodeLaneState(state: LaneState, salt: Uint8Array = NO_SALT): Uint8Array {
  const writer = new VarintWriter();
  writer.bytes(MAGIC);
  writer.number(VERSION);
  writer.bytes(salt);
  writer.number(state.step);
  const topics = topicParts(state);
  writer.number(topics.length);
  for (const part of topics) {
    writer.bytes(Buffer.from(part.hash, "hex"));
    writer.number(part.first);
    writer.number(part.count);
    for (const partition of partitionsOf(part)) writer.number((positionOf(state, part, partition) ?? -1) + 1);
  }
  const snapshots = state.openSnapshots
    .map((snapshot) => ({ snapshot, hash: hashOfTable(snapshot) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  writer.number(snapshots.length);
  for (const { snapshot, hash } of snapshots) {
    writer.bytes(Buffer.from(hash, "hex"));
    const index = topics.findIndex(({ topic }) => topic === snapshot.topic);
    writer.number(index);
    const part = topics[index];
    if (part !== undefined) writeBeginnings(writer, snapshot, part, state);
  }
  return writer.finish();
}

function writeBeginnings(
  writer: VarintWriter,
  { from }: OpenSnapshot,
  part: TopicPart,
  state: LaneState,
): void {
  for (const partition of partitionsOf(part)) {
    const began = from.get(partition);
    const back = (positionOf(state, part, partition) ?? 0) - (began ?? 0);
    // Even numbers lead back from the position, odd ones ahead of it.
    writer.number(began === undefined ? 0 : 1 + (back >= 0 ? 2 * back : -2 * back - 1));
  }
}

/**
 * What a cookie says of a lane. Topics that the plan has no more stay, under `hash:…`, so that they go on from there when
 * they come back; snapshots of tables that it has no more are forgotten.
 *
 * @throws CtlstoreError `cookie_foreign`
 */
export function decodeLaneState(
  cookie: Uint8Array,
  plan: Pick<LanePlan, "writer" | "partitions" | "snapshotTables">,
): LaneState {
  if (cookie.length === 0) return EMPTY_LANE_STATE;
  const state = readState(new VarintReader(cookie), plan);
  if (state === null) throw foreign(plan.writer, "is not one that a loader of this version wrote");
  if (state.positions.size > 0 && [...state.positions.keys()].every(isRetired))
    throw foreign(plan.writer, "is of other topics");
  return state;
}

type Names = Pick<LanePlan, "partitions" | "snapshotTables">;

function readState(reader: VarintReader, plan: Names): LaneState | null {
  const magic = reader.bytes(MAGIC.length);
  if (magic === null || !MAGIC.every((byte, i) => byte === magic[i])) return null;
  if (reader.number() !== VERSION || reader.bytes(COOKIE_PARTS.salt) === null) return null;
  const step = reader.number();
  const topicCount = reader.number();
  if (step === null || topicCount === null) return null;
  const names = new Map(plan.partitions.map(({ topic }) => [hashOf(topic), topic]));
  const positions = new Map<string, ReadonlyMap<number, number>>();
  const parts: TopicPart[] = [];
  for (let i = 0; i < topicCount; i++) {
    const part = readTopic(reader, names);
    if (part === null) return null;
    const offsets = readOffsets(reader, part, (stored) => stored - 1);
    if (offsets === null) return null;
    parts.push(part);
    positions.set(part.topic, offsets);
  }
  const openSnapshots = readSnapshots(reader, { parts, positions, plan });
  return openSnapshots === null || !reader.isAtEnd ? null : { positions, openSnapshots, step };
}

function readTopic(reader: VarintReader, names: ReadonlyMap<string, string>): TopicPart | null {
  const hash = readHash(reader);
  const first = reader.number();
  const count = reader.number();
  if (hash === null || first === null || count === null) return null;
  return { topic: names.get(hash) ?? RETIRED + hash, hash, first, count };
}

/** One number per partition of the topic, those that are 0 left out. */
function readOffsets(
  reader: VarintReader,
  part: TopicPart,
  offsetOf: (stored: number, partition: number) => number,
): Map<number, number> | null {
  const offsets = new Map<number, number>();
  for (const partition of partitionsOf(part)) {
    const stored = reader.number();
    // Also ends the loop over a count that no cookie could have.
    if (stored === null) return null;
    if (stored > 0) offsets.set(partition, offsetOf(stored, partition));
  }
  return offsets;
}

interface Decoded {
  readonly parts: readonly TopicPart[];
  readonly positions: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly plan: Names;
}

function readSnapshots(reader: VarintReader, { parts, positions, plan }: Decoded): OpenSnapshot[] | null {
  const count = reader.number();
  if (count === null) return null;
  const tables = new Map(plan.snapshotTables.map((table) => [hashOfTable(table), table]));
  const snapshots: OpenSnapshot[] = [];
  for (let i = 0; i < count; i++) {
    const hash = readHash(reader);
    const part = parts[reader.number() ?? parts.length];
    if (hash === null || part === undefined) return null;
    const from = readOffsets(reader, part, (stored, partition) => {
      const position = positions.get(part.topic)?.get(partition) ?? 0;
      const back = stored - 1;
      return back % 2 === 0 ? position - back / 2 : position + (back + 1) / 2;
    });
    if (from === null) return null;
    const table = tables.get(hash);
    if (table !== undefined) snapshots.push({ ...table, from });
  }
  return snapshots;
}

function topicParts({ positions, openSnapshots }: LaneState): TopicPart[] {
  const topics = new Set([...positions.keys(), ...openSnapshots.map(({ topic }) => topic)]);
  const parts = [...topics].map((topic) => {
    const begun = openSnapshots
      .filter((snapshot) => snapshot.topic === topic)
      .map(({ from }) => [...from.keys()]);
    const numbers = [...(positions.get(topic)?.keys() ?? []), ...begun.flat()];
    const first = numbers.length === 0 ? 0 : Math.min(...numbers);
    const count = numbers.length === 0 ? 0 : Math.max(...numbers) - first + 1;
    const hash = isRetired(topic) ? topic.slice(RETIRED.length) : hashOf(topic);
    return { topic, hash, first, count };
  });
  return parts.sort((a, b) => (a.hash < b.hash ? -1 : 1));
}

function* partitionsOf({ first, count }: TopicPart): Generator<number> {
  for (let partition = first; partition < first + count; partition++) yield partition;
}

function positionOf({ positions }: LaneState, { topic }: TopicPart, partition: number): number | undefined {
  return positions.get(topic)?.get(partition);
}

function readHash(reader: VarintReader): string | null {
  const bytes = reader.bytes(COOKIE_PARTS.hash);
  return bytes === null ? null : Buffer.from(bytes).toString("hex");
}

function hashOf(name: string): string {
  return createHash("sha256")
    .update(name)
    .digest("hex")
    .slice(0, 2 * COOKIE_PARTS.hash);
}

function hashOfTable({ topic, family, table }: Pick<OpenSnapshot, "topic" | "family" | "table">): string {
  return hashOf(`${topic}\u0000${family}\u0000${table}`);
}

function foreign(writer: string, what: string): CtlstoreError {
  return new CtlstoreError(
    "cookie_foreign",
    `Cannot go on from the cookie of writer ${quote(writer)}: it ${what}`,
    {
      hint: "does something else write as this writer? choose another --writer, or clear its cookie to begin again",
    },
  );
}
