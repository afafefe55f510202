/** What the demonstration shows of the read side: some rows, how long a read takes, and how old the data is. */
import type { Clock } from "../../core/process/clock.ts";
import type { LdbReader } from "../../reader/types.ts";
import { durationText, textTable, valueText } from "../print.ts";
import { MIME_FAMILY } from "./mime-rows.ts";

const SHOWN_EXTENSIONS = ["html", "json", "png", "mp4", "wasm"] as const;
const MEASURED_READS = 20_000;

/** Lines of a small table: what the registry knows about some extensions. */
export function sampleLines(reader: LdbReader): string[] {
  const rows = SHOWN_EXTENSIONS.flatMap((extension) =>
    [...reader.getRowsByKeyPrefix(MIME_FAMILY, "extensions", extension)].map(({ type }) => {
      const found = reader.getRowByKey(MIME_FAMILY, "types", String(type));
      return [
        extension,
        String(type),
        ...["source", "charset", "compressible"].map((name) => valueText(found?.[name])),
      ];
    }),
  );
  return textTable(["extension", "type", "source", "charset", "compressible"], rows);
}

export interface ReadTimes {
  readonly reads: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Reads rows by key, in random order, each timed on its own. */
export function measureReads(reader: LdbReader, deps: { clock: Clock; random: () => number }): ReadTimes {
  const keys = [...reader.getRowsByKeyPrefix(MIME_FAMILY, "types")].map(({ type }) => String(type));
  const timesUs = new Float64Array(MEASURED_READS);
  for (let i = 0; i < MEASURED_READS; i++) {
    const key = keys[Math.floor(deps.random() * keys.length)] ?? "";
    const startMs = deps.clock.monotonicMs();
    if (reader.getRowByKey(MIME_FAMILY, "types", key) === null)
      throw new Error(`row ${key} is missing, although it was there a moment ago`);
    timesUs[i] = (deps.clock.monotonicMs() - startMs) * 1_000;
  }
  timesUs.sort();
  const quantile = (share: number) => timesUs[Math.floor(share * (MEASURED_READS - 1))] ?? 0;
  return { reads: MEASURED_READS, p50Us: quantile(0.5), p99Us: quantile(0.99) };
}

export function readTimesLine({ reads, p50Us, p99Us }: ReadTimes): string {
  return `${reads} reads by key: p50 ${durationText(p50Us)}, p99 ${durationText(p99Us)}`;
}
