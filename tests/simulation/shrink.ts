/** Cuts a failing history down to what it takes to fail. */
import type { HistoryFailure } from "./run-history.ts";
import type { History, Step } from "./steps.ts";

export interface SmallFailure {
  readonly history: History;
  readonly failure: HistoryFailure;
}

const MOST_ATTEMPTS = 200;
const DEADLINE_MS = 60_000;

/** Null when the history does not fail by itself. */
export async function shrinkHistory(
  history: History,
  attempt: (candidate: History) => Promise<HistoryFailure | null>,
): Promise<SmallFailure | null> {
  const failure = await attempt(history);
  if (failure === null) return null;
  let smallest: SmallFailure = { history, failure };
  const deadline = performance.now() + DEADLINE_MS;
  let attempts = 0;
  for (let found = true; found; ) {
    found = false;
    for (const steps of smallerSteps(smallest.history.steps)) {
      if (++attempts > MOST_ATTEMPTS || performance.now() > deadline) return smallest;
      const candidate = { ...smallest.history, steps };
      const outcome = await attempt(candidate);
      if (outcome === null) continue;
      smallest = { history: candidate, failure: outcome };
      found = true;
      break;
    }
  }
  return smallest;
}

/** The same steps without some, large pieces first; then each write with less in it. */
function* smallerSteps(steps: readonly Step[]): Generator<readonly Step[]> {
  // The first step makes the family that the runner counts on.
  for (const rest of withoutPieces(steps.slice(1))) yield [...steps.slice(0, 1), ...rest];
  for (const [index, step] of steps.entries()) {
    if (step.kind !== "write") continue;
    const put = (batches: typeof step.batches) => steps.with(index, { ...step, batches });
    if (step.batches.length > 1) for (const batches of withoutPieces(step.batches)) yield put(batches);
    for (const [at, batch] of step.batches.entries()) {
      for (const mutations of withoutPieces(batch.mutations))
        yield put(step.batches.with(at, { ...batch, mutations }));
    }
  }
}

function* withoutPieces<T>(items: readonly T[]): Generator<T[]> {
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < items.length; from += size) yield items.toSpliced(from, size);
  }
}
