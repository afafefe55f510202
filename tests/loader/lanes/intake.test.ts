/** Records that wait, and how far partitions have been read. */
import { expect, test } from "bun:test";
import { Intake } from "../../../loader/lanes/records/intake.ts";
import { kafkaRecord } from "../../support/debezium.ts";

const place = { topic: "a.topic", partition: 0 };

function newIntake() {
  const intake = new Intake([place], { records: 10, bytes: 1_000 }, () => {});
  const reading = intake.reading(place);
  /** A record comes and is read. */
  const pass = (offset: number) => {
    intake.offer([kafkaRecord({ ...place, offset })]);
    intake.take();
    reading.read = offset + 1;
  };
  return { intake, reading, pass };
}

test("a partition is not at its end when records have come since that was seen: there are more behind them", () => {
  const { intake, pass } = newIntake();
  intake.reachedEnd({ ...place, next: 0 });
  expect(intake.isAtEnd(place)).toBe(true);
  pass(0);
  expect(intake.isAtEnd(place)).toBe(false);
  intake.reachedEnd({ ...place, next: 1 });
  expect(intake.isAtEnd(place)).toBe(true);
});

test("a partition is at its end though its last offsets are gaps that nobody sees, and though no end was seen but asked for", () => {
  const { intake, pass } = newIntake();
  pass(0);
  intake.reachedEnd({ ...place, next: 2 });
  expect(intake.isAtEnd(place)).toBe(true);
  intake.measured({ ...place, next: 2 }, 100);
  expect(intake.isAtEnd(place, 100)).toBe(true);
  pass(2);
  expect(intake.isAtEnd(place)).toBe(false);
  intake.measured({ ...place, next: 3 }, 100);
  expect(intake.isAtEnd(place)).toBe(true);
});

test("R32 that a partition is at its end is known by its broker alone where it must be so now: one that was seen is of the past", () => {
  const { intake, reading, pass } = newIntake();
  pass(0);
  intake.reachedEnd({ ...place, next: 1 });
  expect([intake.isAtEnd(place), intake.isAtEnd(place, 0)]).toEqual([true, false]);
  intake.measured({ ...place, next: 5 }, 100);
  expect(intake.isAtEnd(place, 100)).toBe(false);
  reading.read = reading.offered = 5;
  expect([intake.isAtEnd(place, 100), intake.isAtEnd(place, 101)]).toEqual([true, false]);
});

test("R32 a partition that is never at its end has been read to where it ended when its broker was asked", () => {
  const { intake, pass } = newIntake();
  intake.measured({ ...place, next: 1 }, 100);
  expect(intake.isAtEnd(place, 100)).toBe(false);
  pass(0);
  intake.offer([kafkaRecord({ ...place, offset: 1 })]);
  expect([intake.isAtEnd(place, 100), intake.isAtEnd(place)]).toEqual([true, false]);
});
