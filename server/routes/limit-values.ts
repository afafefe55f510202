/** Limits between their form on the wire and ours. */
import { CtlstoreError } from "../../core/errors.ts";
import { NO_LIMIT, parsePeriodNs, perMinute, type Rate } from "../../core/rates.ts";
import { sequenceToJson as toJson } from "../../core/sequence.ts";
import { parseWireInteger, type WireInteger } from "../../core/wire/integers.ts";
import type { FleetRateBody, RateAnswer, TableLimitBody, WriterRateBody } from "../../core/wire/limits.ts";
import type { SizeLimit } from "../../ctldb/limits/contract.ts";

/** @throws CtlstoreError `invalid_value` */
export function toSizeLimit(body: TableLimitBody): SizeLimit {
  return {
    maxBytes: parseWireInteger(body["max-size"], "max-size"),
    warnBytes: parseWireInteger(body["warn-size"], "warn-size"),
  };
}

/** @throws CtlstoreError `invalid_value` */
export function toWriterRate({ amount, bytes, period }: WriterRateBody): Rate & { readonly rows: bigint } {
  const periodNs = parsePeriodNs(period);
  return { rows: inAMinute(amount, periodNs, "amount"), bytes: perhaps(bytes, periodNs, "bytes") };
}

/** @throws CtlstoreError `invalid_value`, `malformed_request` when it limits nothing */
export function toFleetRate({ amount, bytes, period }: FleetRateBody): Rate {
  const periodNs = parsePeriodNs(period);
  const rate = {
    rows: perhaps(amount, periodNs, "amount"),
    bytes: perhaps(bytes, periodNs, "bytes"),
  };
  if (rate.rows !== null || rate.bytes !== null) return rate;
  throw new CtlstoreError("malformed_request", "Cannot read the body: it needs an amount, bytes, or both", {
    hint: "DELETE /limits/fleet takes the fleet's limit away",
  });
}

function perhaps(
  value: WireInteger | null | undefined,
  periodNs: bigint,
  field: "amount" | "bytes",
): bigint | null {
  return value === null || value === undefined ? null : inAMinute(value, periodNs, field);
}

function inAMinute(value: WireInteger, periodNs: bigint, field: "amount" | "bytes"): bigint {
  return perMinute(parseWireInteger(value, field), periodNs, field);
}

/** Null of what limits nothing. */
export function rateOrNull(rate: Rate): RateAnswer | null {
  return rate.rows === null && rate.bytes === null ? null : rateAnswer(rate);
}

export function rateAnswer({ rows, bytes }: Rate): RateAnswer {
  return {
    amount: rows === null ? null : toJson(rows),
    ...(bytes === null ? {} : { bytes: toJson(bytes) }),
    period: "1m",
  };
}

export function sizeLimitAnswer(limit: SizeLimit | null) {
  return {
    "max-size": limit === null ? null : bytesAnswer(limit.maxBytes),
    "warn-size": limit === null ? null : bytesAnswer(limit.warnBytes),
  };
}

function bytesAnswer(bytes: bigint): WireInteger | null {
  return bytes >= NO_LIMIT ? null : toJson(bytes);
}
