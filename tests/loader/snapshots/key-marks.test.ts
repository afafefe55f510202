/** Marks of keys: a set, whatever is put in and taken out. */
import { expect, test } from "bun:test";
import { digestOfKey, KeyMarks } from "../../../loader/snapshots/key-marks.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";

test("marks are those of a set when keys come and go at random, while it grows", () => {
  const seed = suiteSeed();
  const random = seededRandom(seed);
  for (let run = 0; run < runsOf({ quick: 5, deep: 200 }); run++) {
    const marks = new KeyMarks();
    const model = new Set<string>();
    const keys = 1 + Math.floor(random() * 5_000);
    for (let step = 0; step < 8_000; step++) {
      const key = `i${Math.floor(random() * keys)},`;
      if (random() < 0.4) {
        marks.delete(digestOfKey(key));
        model.delete(key);
      } else {
        marks.add(digestOfKey(key));
        model.add(key);
      }
    }
    expect(marks.size, `seed ${seed}`).toBe(model.size);
    const wrong = Array.from({ length: keys }, (_, i) => `i${i},`).filter(
      (key) => marks.has(digestOfKey(key)) !== model.has(key),
    );
    expect(wrong, `seed ${seed}`).toEqual([]);
  }
});

test("I13 a mark takes 16 bytes and some room, however long its key is", () => {
  const marks = new KeyMarks();
  for (let i = 0; i < 20_000; i++) marks.add(digestOfKey(`s600:${"x".repeat(600)}${i},`));
  expect(marks.size).toBe(20_000);
  expect(marks.bytes / marks.size).toBeLessThan(16 / 0.37);
  expect(marks.has(digestOfKey(`s600:${"x".repeat(600)}7,`))).toBeTrue();
  expect(marks.has(digestOfKey(`s600:${"x".repeat(600)}20000,`))).toBeFalse();
});
