/** The text that Debezium sends in place of a value that it does not have. It must never become a row's value. */
import { Misfit } from "./column-reader.ts";

/** `unavailable.value.placeholder` of the connector, unless it is set to something else. */
const PLACEHOLDER = "__debezium_unavailable_value";
const PLACEHOLDER_BYTES = Buffer.from(PLACEHOLDER);

/** @throws Misfit when the value, text or bytes, is the placeholder */
export function refuseUnavailable(value: unknown): void {
  const isPlaceholder =
    typeof value === "string"
      ? value === PLACEHOLDER
      : value instanceof Uint8Array &&
        value.length === PLACEHOLDER_BYTES.length &&
        PLACEHOLDER_BYTES.equals(value);
  if (!isPlaceholder) return;
  throw new Misfit(
    "the value itself: this is what Debezium writes when the origin did not log it",
    "have the origin log whole rows (binlog_row_image=FULL; of PostgreSQL: REPLICA IDENTITY FULL), then take a snapshot",
  );
}
