/** What every process tells of itself. */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { WorstOfMinute, watchEventLoop } from "../../core/process/event-loop-lag.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { PROCESS_METRICS, registerProcessMetrics } from "../../core/process/process-metrics.ts";
import { VERSION } from "../../core/version.ts";

/** The value of a series without labels. */
function seriesValue(text: string, name: string): number {
  const [, value = ""] = new RegExp(`^${name} (\\S+)$`, "m").exec(text) ?? [];
  return Number.parseFloat(value);
}

describe("the metrics of a process", () => {
  test("say what runs and what it takes when they are asked for, each time anew", async () => {
    const metrics = createMetrics();
    registerProcessMetrics({ metrics, clock: systemClock }, "reflector");
    const text = await metrics.render();
    expect(text).toContain(`component="reflector",version="${VERSION}",commit="none",runtime="bun `);
    const names = PROCESS_METRICS;
    expect(seriesValue(text, names.residentMemoryBytes)).toBeGreaterThan(1_000_000);
    expect(seriesValue(text, names.openFds)).toBeGreaterThan(2);
    const started = Date.now() / 1000 - process.uptime();
    expect(Math.abs(seriesValue(text, names.startTimeSeconds) - started)).toBeLessThan(60);
    const cpuBefore = seriesValue(text, names.cpuSecondsTotal);
    const { user } = process.cpuUsage();
    while (process.cpuUsage().user - user < 20_000); // at work
    expect(seriesValue(await metrics.render(), names.cpuSecondsTotal)).toBeGreaterThan(cpuBefore);
  });

  test("show a pause of the event loop while it is there, and for a minute", () => {
    let nowMs = 1_000_000;
    const lagSeconds = watchEventLoop(() => nowMs);
    expect(lagSeconds()).toBe(0);
    nowMs += 3_500; // no timer came
    expect(lagSeconds()).toBe(3);
    const delays = new WorstOfMinute();
    delays.add(40, 0);
    delays.add(700, 5_000);
    delays.add(2, 15_000);
    expect(delays.worst(55_000)).toBe(700);
    expect(delays.worst(65_000)).toBe(2);
    expect(delays.worst(500_000)).toBe(0);
  });
});
