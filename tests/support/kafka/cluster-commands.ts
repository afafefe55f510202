/** What the tests ask of the process that hosts their Kafka cluster, and what it answers (node:v8's serialization). */

/** A record to be written. */
export interface ProducedRecord {
  readonly topic: string;
  readonly partition: number;
  /** Text is written as UTF-8. */
  readonly key: Uint8Array | string | null;
  /** Null writes a tombstone. */
  readonly value: Uint8Array | string | null;
  readonly headers?: Readonly<Record<string, Uint8Array | string>>;
  /** Milliseconds since 1970; now when absent. */
  readonly timestampMs?: number;
}

export type ClusterCommand =
  | { readonly do: "create-topic"; readonly topic: string; readonly partitions: number }
  | { readonly do: "delete-topic"; readonly topic: string }
  | { readonly do: "topic-error"; readonly topic: string; readonly error: number }
  | {
      readonly do: "delete-records";
      readonly topic: string;
      readonly partition: number;
      readonly before: number;
    }
  | {
      readonly do: "set-leader";
      readonly topic: string;
      readonly partition: number;
      readonly broker: number;
    }
  | { readonly do: "broker"; readonly broker: number; readonly up: boolean }
  | { readonly do: "delay"; readonly broker: number; readonly ms: number }
  | { readonly do: "request-errors"; readonly request: number; readonly errors: readonly number[] }
  | { readonly do: "watermarks"; readonly topic: string; readonly partition: number }
  | { readonly do: "produce"; readonly records: readonly ProducedRecord[] };

export type ClusterAnswer =
  | { readonly ok: true; readonly offsets?: readonly number[] }
  | { readonly ok: false; readonly error: string };
