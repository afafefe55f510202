/** What is believed for a moment of the ctldb's own tables, and how many queries that costs (R34, R45). */
import { describe, expect, test } from "bun:test";
import type { Clock } from "../../../core/process/clock.ts";
import { AccessCache } from "../../../ctldb/access/access-cache.ts";

/** A ctldb of names with one value each, that counts its queries and answers when it is told. */
function world(names = 1_000) {
  let nowMs = 0;
  let hold: Promise<void> = Promise.resolve();
  const values = new Map<string, string>();
  const queries: string[][] = [];
  let failure: Error | null = null;
  const clock: Clock = {
    nowUs: () => nowMs * 1_000,
    monotonicMs: () => nowMs,
    sleep: async () => {},
  };
  const load = async (wanted: readonly string[]) => {
    queries.push([...wanted]);
    await hold;
    if (failure !== null) throw failure;
    return new Map(wanted.flatMap((name) => (values.has(name) ? [[name, values.get(name) ?? ""]] : [])));
  };
  const cache = new AccessCache<string>({ clock, load }, { cacheMs: 500, refusedCacheMs: 200, names });
  return {
    cache,
    values,
    queries,
    ask: (name: string, value: string) => cache.ask(name, (found) => (found === value ? true : null)),
    pass: (ms: number) => {
      nowMs += ms;
    },
    fail: (error: Error | null) => {
      failure = error;
    },
    /** Answers wait until the returned function is called. */
    holdAnswers: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      hold = promise;
      return resolve;
    },
  };
}

describe("what is known of a name", () => {
  test("R45 is believed for half a second at most, so that a revoked one is refused after it", async () => {
    const { ask, values, pass, queries } = world();
    values.set("writer", "secret");
    expect(await ask("writer", "secret")).toBe(true);
    values.delete("writer");
    pass(250);
    expect(await ask("writer", "secret")).toBe(true);
    expect(queries).toHaveLength(1);
    pass(251);
    expect(await ask("writer", "secret")).toBeNull();
  });

  test("is asked again before its time is over, so that nobody who is allowed waits for it", async () => {
    const { ask, values, pass, queries, cache, holdAnswers } = world();
    values.set("writer", "secret");
    expect(await ask("writer", "secret")).toBe(true);
    pass(251);
    const release = holdAnswers();
    // Answered although the query is still out; the many share it.
    for (let i = 0; i < 20; i++) expect(await ask("writer", "secret")).toBe(true);
    expect(queries).toHaveLength(2);
    release();
    await cache.settled();
    pass(260);
    expect(await ask("writer", "secret")).toBe(true);
    await cache.settled();
    expect(queries).toHaveLength(3);
  });

  test("R45 is asked again before a refusal, so that a new secret is accepted at once", async () => {
    const { ask, values, queries } = world();
    values.set("writer", "old");
    expect(await ask("writer", "old")).toBe(true);
    values.set("writer", "new");
    expect(await ask("writer", "new")).toBe(true);
    expect(queries).toHaveLength(2);
  });

  test("R34 is asked again once in a fifth of a second when a flood of refusals comes", async () => {
    const { ask, values, pass, queries } = world();
    values.set("writer", "secret");
    for (let i = 0; i < 400; i++) {
      expect(await ask("writer", `wrong ${i}`)).toBeNull();
      expect(await ask("nobody", "secret")).toBeNull();
      pass(1);
    }
    // At 0 and at 200 ms, of either name.
    expect(queries).toHaveLength(4);
    expect(await ask("writer", "secret")).toBe(true);
    // One that is made meanwhile is accepted a fifth of a second later at the latest.
    values.set("nobody", "secret");
    pass(200);
    expect(await ask("nobody", "secret")).toBe(true);
  });

  test("is not believed any more after a change of our own, also when an answer was under way", async () => {
    const { ask, values, cache, holdAnswers, queries } = world();
    values.set("writer", "old");
    expect(await ask("writer", "old")).toBe(true);
    values.set("writer", "new");
    cache.forget("writer");
    expect(await ask("writer", "old")).toBeNull();
    expect(await ask("writer", "new")).toBe(true);
    // Asked before the change, answered after it.
    cache.forget("writer");
    const release = holdAnswers();
    const asked = queries.length;
    const early = ask("writer", "newest");
    while (queries.length === asked) await Promise.resolve();
    values.set("writer", "newest");
    cache.forget("writer");
    release();
    expect(await early).toBe(true);
    expect(queries.length).toBe(asked + 2);
  });

  test("R34 is answered by its first query when other names are changed all the time", async () => {
    const { ask, cache, values, queries, holdAnswers } = world();
    values.set("writer", "secret");
    const answerNow = holdAnswers();
    const asked = ask("writer", "secret");
    await Promise.resolve();
    cache.forget("another");
    answerNow();
    expect(await asked).toBe(true);
    expect(queries).toEqual([["writer"]]);
  });

  test("is believed while its next query fails, and then the failure is told", async () => {
    const { ask, values, pass, fail, cache } = world();
    values.set("writer", "secret");
    expect(await ask("writer", "secret")).toBe(true);
    fail(new Error("away"));
    pass(400);
    expect(await ask("writer", "secret")).toBe(true);
    await cache.settled();
    pass(101);
    await expect(ask("writer", "secret")).rejects.toThrow("away");
    await expect(ask("nobody", "secret")).rejects.toThrow("away");
    await cache.settled();
    fail(null);
    expect(await ask("writer", "secret")).toBe(true);
  });
});

describe("a flood of names", () => {
  test("R34 costs a few queries, each name once, when they come at once", async () => {
    const { ask, queries, holdAnswers } = world();
    const release = holdAnswers();
    const asked = Array.from({ length: 5_000 }, (_, i) => [
      ask(`name ${i}`, "secret"),
      ask(`name ${i}`, "other"),
    ]).flat();
    release();
    for (const answer of await Promise.all(asked)) expect(answer).toBeNull();
    expect(queries).toHaveLength(5);
    expect(new Set(queries.flat()).size).toBe(5_000);
    expect(queries.flat()).toHaveLength(5_000);
  });

  test("I13 is refused beyond what may wait when the ctldb does not answer, and served again when it does", async () => {
    const { ask, values, holdAnswers } = world();
    values.set("writer", "secret");
    const release = holdAnswers();
    const waiting = Array.from({ length: 10_000 }, (_, i) => ask(`name ${i % 7}`, "secret"));
    await expect(ask("writer", "secret")).rejects.toMatchObject({ code: "overloaded" });
    release();
    await Promise.all(waiting);
    expect(await ask("writer", "secret")).toBe(true);
  });

  test("R34 takes bounded memory, and pushes out no name that exists", async () => {
    const { ask, values, cache, queries } = world(100);
    values.set("writer", "secret");
    expect(await ask("writer", "secret")).toBe(true);
    for (let round = 0; round < 10; round++)
      await Promise.all(Array.from({ length: 1_000 }, (_, i) => ask(`name ${round} ${i}`, "secret")));
    expect(cache.size).toBe(101);
    const before = queries.length;
    expect(await ask("writer", "secret")).toBe(true);
    expect(queries.length).toBe(before);
  });
});
