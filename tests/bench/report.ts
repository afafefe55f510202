/** What every benchmark shares: repeated rounds, medians with spread, ratios between peers of the same run. */
import { cpus, loadavg, release, totalmem } from "node:os";

/** One measured quantity of one contestant. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** One value per round. */
  readonly values: readonly number[];
}

/** The result that counts: a ratio or an absolute against its aim. */
export interface Verdict {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly aim: string;
  readonly met: boolean;
}

export interface Outcome {
  readonly id: string;
  readonly title: string;
  /** Durability and other settings that the figures depend on. */
  readonly settings: string;
  readonly figures: readonly Figure[];
  readonly verdicts: readonly Verdict[];
  readonly notes?: readonly string[];
}

export interface Benchmark {
  readonly id: string;
  readonly title: string;
  run(progress: (text: string) => void): Promise<Outcome>;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

/** Contestants take turns within each round, so that a machine that slows down slows all of them. */
export async function inTurns<Name extends string>(
  rounds: number,
  contestants: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) values[name].push(await contestants[name]());
  }
  return values;
}

/** Median over rounds of the ratio within each round. */
export function ratio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((value, i) => value / (denominators[i] ?? Number.NaN)));
}

function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function environment(): string[] {
  const cpu = cpus();
  return [
    `${cpu.length} × ${cpu[0]?.model ?? "unknown CPU"}, ${number(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    `Bun ${Bun.version}, load ${loadavg()[0]?.toFixed(2)}`,
  ];
}

/** The outcome as lines for a terminal. */
export function render(outcome: Outcome): string[] {
  const lines = [`${outcome.id}  ${outcome.title}`, `    ${outcome.settings}`];
  for (const { name, unit, values } of outcome.figures) {
    const spread =
      values.length > 1
        ? `   (${number(Math.min(...values))} – ${number(Math.max(...values))}, n=${values.length})`
        : "";
    lines.push(`    ${name.padEnd(52)} ${number(median(values)).padStart(12)} ${unit}${spread}`);
  }
  for (const { name, value, unit, aim, met } of outcome.verdicts) {
    lines.push(`  ${met ? "✓" : "✗"} ${name.padEnd(52)} ${number(value).padStart(12)} ${unit}   aim ${aim}`);
  }
  for (const note of outcome.notes ?? []) lines.push(`    ${note}`);
  return lines;
}
