/** What `ctlstore loader check` finds out about a mapping; also its JSON. */
import type { FieldType } from "../../../core/field-types.ts";

export interface MappingReport {
  /** False when there is a problem anywhere in this report. */
  readonly ok: boolean;
  /** Of the file as a whole, its topics and its lanes. */
  readonly problems: readonly string[];
  readonly tables: readonly TableReport[];
  /** Null without Kafka. */
  readonly topics: readonly TopicReport[] | null;
  /** Null without Kafka, or when there can be none. */
  readonly lanes: readonly LaneReport[] | null;
  /** Null without a sample. */
  readonly sample: readonly SampleReport[] | null;
}

export interface TableReport {
  /** In the file: `tables[2]`. */
  readonly place: string;
  readonly topic: string;
  /** `database.table` at the origin, where the file says it. */
  readonly source: string | null;
  readonly family: string;
  readonly table: string;
  /** Unknown without an Executive. */
  readonly state: "exists" | "will be made" | "missing" | "unknown";
  /** Null where it is not known yet. */
  readonly key: readonly string[] | null;
  readonly fields: readonly FieldReport[];
  /** What happens to columns that the file does not name. */
  readonly rest: string;
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

export interface FieldReport {
  readonly field: string;
  /** Null where the first event will tell. */
  readonly type: FieldType | null;
  readonly state: "exists" | "will be made" | "unknown";
  /** `column "price"`, `constant "eu"`, … */
  readonly from: string;
}

export interface TopicReport {
  readonly topic: string;
  /** Null when Kafka has no such topic. */
  readonly partitions: number | null;
}

export interface LaneReport {
  readonly lane: string;
  readonly writer: string;
  readonly partitions: number;
  /** What its cookie may grow to; 1024 fit. */
  readonly largestCookieBytes: number;
}

/** What became of one line of a sample. */
export interface SampleReport {
  readonly line: number;
  readonly topic: string;
  readonly outcome: "loaded" | "nothing" | "dropped" | "refused";
  /** `upsert shop/item`, `heartbeat`, or why it was refused. */
  readonly what: string;
  /** What would be made first. */
  readonly made: string | null;
  readonly mutations: readonly SampleMutation[];
}

export interface SampleMutation {
  readonly action: "upsert" | "delete";
  readonly family: string;
  readonly table: string;
  readonly values: Readonly<Record<string, unknown>>;
}
