/** Records that wait, and how far partitions have been read. */
import { expect, test } from "bun:test";
import { Intake } from "../../../loader/lanes/intake.ts";
import { kafkaRecord } from "../../support/debezium.ts";

test("R32 that a partition is at its end is known by its broker alone where it must be so now: one that was seen is of the past", () => {
  const place = { topic: "a.topic", partition: 0 };
  const intake = new Intake([place], { records: 10, bytes: 1_000 }, () => {});
  const reading = intake.reading(place);
  intake.reachedEnd({ ...place, next: 0 });
  intake.offer([kafkaRecord({ ...place, offset: 0 })]);
  reading.read = intake.take() === null ? 0 : 1;
  expect([intake.isAtEnd(place), intake.isAtEnd(place, 0)]).toEqual([true, false]);
  intake.measured({ ...place, next: 5 }, 100);
  expect(intake.isAtEnd(place, 100)).toBe(false);
  reading.read = reading.offered = 5;
  expect([intake.isAtEnd(place, 100), intake.isAtEnd(place, 101)]).toEqual([true, false]);
});
