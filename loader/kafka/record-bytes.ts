/** How large a record is. */
import type { KafkaRecord } from "./consumer.ts";

/** Key and value, in bytes. */
export function recordBytes({ key, value }: Pick<KafkaRecord, "key" | "value">): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
