/** Records as real connectors write them, one by one (R33). */
import { describe, expect, test } from "bun:test";
import { createDecoder } from "../../../loader/events/decoder.ts";
import { FIXTURES, recordOf } from "./fixtures.ts";

describe("decoder", () => {
  const shared = createDecoder();
  for (const fixture of FIXTURES)
    test(`R33 reads a record of ${fixture.name}`, () => {
      const event = createDecoder().decode(recordOf(fixture));
      expect(event).toMatchObject(fixture.expected);
      for (let again = 0; again < 2; again++) expect(shared.decode(recordOf(fixture))).toEqual(event);
    });
});
