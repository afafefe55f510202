/**
 * Bodies and answers of the limits routes (docs/limits.md). Members with a hyphen are named as the original names them.
 *
 * A rate is an amount, and perhaps bytes, in a period. Answers always say a period of a minute.
 */
import * as v from "valibot";
import { AnsweredInteger, isNumberOrText, wireInteger } from "./integers.ts";
import { asBody } from "./json-body.ts";

const Period = v.pipe(
  v.custom<string | number>(isNumberOrText, "a period such as 1m, or nanoseconds"),
  v.description("the period of the amounts: text such as 1m, 1h30m or 500ms, or nanoseconds as an integer"),
  v.examples(["1m"]),
);
const Bytes = v.pipe(
  v.nullish(wireInteger),
  v.description("bytes of ledger statements in the period; absent is no limit"),
);

/** Body of POST /limits/tables/{family}/{table}. */
export const TableLimitBody = asBody(
  v.strictObject({
    "max-size": v.pipe(wireInteger, v.description("bytes; what would make the table larger is refused")),
    "warn-size": v.pipe(wireInteger, v.description("bytes; not above max-size")),
  }),
  "object",
);
export type TableLimitBody = v.InferOutput<typeof TableLimitBody>;

/** Body of POST /limits/writers/{writer}. */
export const WriterRateBody = asBody(
  v.strictObject({
    amount: v.pipe(wireInteger, v.description("rows in the period; 0 switches the writer off")),
    bytes: Bytes,
    period: Period,
  }),
  "object",
);
export type WriterRateBody = v.InferOutput<typeof WriterRateBody>;

/** Body of POST /limits/fleet. */
export const FleetRateBody = asBody(
  v.strictObject({
    amount: v.pipe(v.nullish(wireInteger), v.description("rows in the period; absent is no limit")),
    bytes: Bytes,
    period: Period,
  }),
  "object",
);
export type FleetRateBody = v.InferOutput<typeof FleetRateBody>;

const Rate = v.object({
  amount: v.pipe(v.nullable(AnsweredInteger), v.description("rows; null is no limit")),
  bytes: v.optional(AnsweredInteger),
  period: v.string(),
});
export type RateAnswer = v.InferOutput<typeof Rate>;

const SizeLimit = {
  "max-size": v.nullable(AnsweredInteger),
  "warn-size": v.nullable(AnsweredInteger),
};

export const TableLimitsAnswer = v.object({
  global: v.object(SizeLimit),
  tables: v.array(v.object({ family: v.string(), table: v.string(), ...SizeLimit })),
});
export type TableLimitsAnswer = v.InferOutput<typeof TableLimitsAnswer>;

export const WriterRatesAnswer = v.object({
  global: Rate,
  writers: v.array(
    v.object({
      writer: v.pipe(v.string(), v.description("a name, or the beginning of names and a *")),
      "rate-limit": Rate,
    }),
  ),
});
export type WriterRatesAnswer = v.InferOutput<typeof WriterRatesAnswer>;

export const FleetRateAnswer = v.object({
  "rate-limit": v.nullable(Rate),
  source: v.picklist(["override", "default"]),
});
export type FleetRateAnswer = v.InferOutput<typeof FleetRateAnswer>;

const Used = { rows: AnsweredInteger, bytes: AnsweredInteger, "rate-limit": v.nullable(Rate) };

export const UsageAnswer = v.object({
  window: v.object({
    start: v.pipe(v.string(), v.description("by the ctldb's clock")),
    seconds: v.number(),
  }),
  fleet: v.object(Used),
  writers: v.array(v.object({ writer: v.string(), ...Used })),
});
export type UsageAnswer = v.InferOutput<typeof UsageAnswer>;

export const TableSizesAnswer = v.object({
  tables: v.array(
    v.object({
      family: v.string(),
      table: v.string(),
      bytes: v.pipe(v.nullable(AnsweredInteger), v.description("null when nobody has measured it yet")),
      state: v.picklist(["unmeasured", "ok", "warn", "full"]),
      ...SizeLimit,
    }),
  ),
});
export type TableSizesAnswer = v.InferOutput<typeof TableSizesAnswer>;

/** What a change of a limit answers: what it was a limit of. */
export const LimitedTableAnswer = v.object({ family: v.string(), table: v.string() });
export const LimitedWriterAnswer = v.object({ writer: v.string() });
export const NothingAnswer = v.object({});
