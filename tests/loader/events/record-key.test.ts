/** Keys of records. */
import { describe, expect, test } from "bun:test";
import { BARE_KEY } from "../../../loader/events/change-event.ts";
import { envelope, kafkaRecord, withSchema } from "../../support/debezium.ts";
import { decodeRow, NEW } from "./decode.ts";

describe("decoder, keys", () => {
  const value = envelope({ op: "c", after: NEW });

  test("takes a key that is one value", () => {
    for (const key of [7, "seven", true, 9007199254740993n]) {
      const event = decodeRow(kafkaRecord({ key, value }));
      expect(event.key).toEqual({ values: { [BARE_KEY]: key }, types: null });
    }
    const typed = decodeRow(kafkaRecord({ key: withSchema({ type: "int32", optional: false }, 7), value }));
    expect(typed.key?.values).toEqual({ [BARE_KEY]: 7 });
    expect(typed.key?.types?.get(BARE_KEY)).toMatchObject({ type: "int32" });
  });

  test("takes a key whose payload is null for none", () => {
    const key = withSchema({ type: "string", optional: true }, null);
    expect(decodeRow(kafkaRecord({ key, value })).key).toBeNull();
    expect(decodeRow(kafkaRecord({ key: Buffer.from("null"), value })).key).toBeNull();
  });
});
