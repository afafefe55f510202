/** Runs many histories on one kind of ctldb, one seed after the other, and reports what failed so that it can be repeated. */
import { generateHistory } from "./generate.ts";
import { HistoryFailure, runHistory } from "./run-history.ts";
import { shrinkHistory } from "./shrink.ts";
import type { History } from "./steps.ts";
import { type CtlDbKind, openWorld, type World } from "./world.ts";

export interface CampaignOptions {
  readonly kind: CtlDbKind;
  /** Of the first history; the next ones count on from it. */
  readonly seed: number;
  readonly histories: number;
  /** Called after each history. */
  readonly onProgress?: (progress: { readonly run: number; readonly failed: number }) => void;
}

export interface CampaignResult {
  readonly passed: number;
  /** What went wrong, one text for each history that failed. */
  readonly failures: readonly string[];
}

/** A fresh world now and then: what one process gathers over its life is part of what is tested, but not without end. */
const HISTORIES_PER_WORLD = 200;
/** One history in so many is followed by a replay of the whole ledger into an empty LDB. */
const HISTORIES_PER_REPLAY = 25;
/** Whatever broke this many is not going to be understood better by breaking more. */
const MOST_FAILURES = 5;
const CHANCES = { kills: 0.02, severs: 0.04 } as const;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { kind, seed, histories, onProgress } = options;
  const failures: string[] = [];
  let passed = 0;
  let world: World | null = null;
  try {
    for (let i = 0; i < histories && failures.length < MOST_FAILURES; i++) {
      if (i % HISTORIES_PER_WORLD === 0) {
        await world?.[Symbol.asyncDispose]();
        world = null;
      }
      world ??= await openWorld(kind);
      const history = historyOf(seed + i, kind);
      const failure = await outcomeOf(history, world, { replay: i % HISTORIES_PER_REPLAY === 0 });
      if (failure === null) passed += 1;
      else {
        await world[Symbol.asyncDispose]();
        world = null;
        failures.push(await report(history, failure, kind));
      }
      onProgress?.({ run: i + 1, failed: failures.length });
    }
  } finally {
    await world?.[Symbol.asyncDispose]();
  }
  return { passed, failures };
}

function historyOf(seed: number, kind: CtlDbKind): History {
  return generateHistory(seed, { ...CHANCES, severs: kind === "sqlite" ? 0 : CHANCES.severs });
}

async function outcomeOf(
  history: History,
  world: World,
  options: { readonly replay: boolean },
): Promise<HistoryFailure | null> {
  try {
    await runHistory(history, world, options);
    return null;
  } catch (error) {
    if (error instanceof HistoryFailure) return error;
    throw error;
  }
}

async function report(history: History, failure: HistoryFailure, kind: CtlDbKind): Promise<string> {
  const attempt = async (candidate: History) => {
    await using world = await openWorld(kind);
    // Awaited here: the world ends with this block.
    return await outcomeOf(candidate, world, { replay: true });
  };
  const smallest = await shrinkHistory(history, attempt);
  const { seed, steps } = history;
  const lines = [
    `history with seed ${seed} failed on ${kind} at step ${failure.step} of ${steps.length}: ${failure.message}`,
    `repeat: CTLSTORE_TEST_SEED=${seed} CTLSTORE_TEST_HISTORIES=1 bun tests/simulation/deep.ts ${kind}`,
    String(failure.cause instanceof Error ? failure.cause.stack : failure.cause),
  ];
  if (smallest === null) {
    lines.push(
      "it does not fail in a fresh world: what came before it matters, or chance does",
      ...list(history),
    );
  } else {
    lines.push(`the smallest that fails: ${smallest.failure.message}`, ...list(smallest.history));
  }
  return lines.join("\n");
}

function list({ steps }: History): string[] {
  return steps.map((step, index) => `  ${index}. ${JSON.stringify(step).slice(0, 4_000)}`);
}
