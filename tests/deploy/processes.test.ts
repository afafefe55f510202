/** Every process tells how it is whatever is away (R46), in forms that machines read: metrics and log lines. */
import { beforeAll, describe, expect, test } from "bun:test";
import { VERSION } from "../../core/version.ts";
import { hasPromtool, promtool } from "../support/promtool.ts";
import { type BrokenService, everyProcess, SERVICES, type ServiceName, sayings } from "./every-process.ts";
import { exposedMetrics } from "./exposition.ts";

let services: ReadonlyMap<ServiceName, BrokenService>;
/** What each says on standard error at the level `silent`. */
let silentProcesses: Promise<ReadonlyMap<ServiceName, string>>;

beforeAll(async () => {
  services = await everyProcess();
  silentProcesses = sayings({ CTLSTORE_LOG_LEVEL: "silent" });
}, 120_000);

function service(name: ServiceName): BrokenService {
  const found = services.get(name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
}

describe.each(SERVICES)("%s, with all that it needs away or broken,", (name) => {
  test("R46 answers with its metrics, each with a series or two, and is alive", async () => {
    const { status, text } = await service(name).get("/metrics");
    expect(status).toBe(200);
    const metrics = exposedMetrics(text);
    expect(metrics.get("ctlstore_build_info")?.series).toBe(1);
    expect(text).toContain(`component="${name}",version="${VERSION}"`);
    // Those of what turns up only later are declared all the same.
    const isLater = (metric: string) =>
      /^ctlstore_(executive_(unauthorized|table_(max_)?bytes)|loader_)|spans/.test(metric);
    const without = [...metrics.values()].filter((metric) => metric.series === 0).map(({ name: of }) => of);
    expect(without.filter((metric) => !isLater(metric))).toEqual([]);
    expect((await service(name).get("/healthz")).status).toBe(200);
    expect(service(name).process.running).toBe(true);
  });

  test("logs nothing when it is told to be silent, and the same start logs lines otherwise", async () => {
    const { process } = service(name);
    expect(process.stderr).toMatch(/^\{"level":/m);
    expect((await silentProcesses).get(name)).not.toMatch(/^\{/m);
  });

  test.skipIf(!hasPromtool)("has metrics of which Prometheus' own check has nothing to say", async () => {
    const { text } = await service(name).get("/metrics");
    const { code, stdout, stderr } = await promtool(["check", "metrics"], text);
    expect(`${stdout}${stderr}`).toBe("");
    expect(code).toBe(0);
  });

  test("logs lines of JSON alone, with the same fields first", () => {
    // One line for people says where it listens.
    const lines = service(name).process.stderr.split("\n").slice(0, -1);
    const logged = lines.filter((line) => line.startsWith("{"));
    const spoken = lines.filter((line) => !line.startsWith("{"));
    expect(spoken).toHaveLength(1);
    expect(logged.length).toBeGreaterThan(0);
    for (const line of logged) {
      const entry: Record<string, unknown> = JSON.parse(line);
      expect(Object.keys(entry).slice(0, 4)).toEqual(["level", "time", "component", "pid"]);
      expect(["debug", "info", "warn", "error"]).toContain(String(entry["level"]));
      expect(Number.isNaN(Date.parse(String(entry["time"])))).toBe(false);
      expect(entry["pid"]).toBe(service(name).process.pid);
      expect(typeof entry["msg"]).toBe("string");
    }
  });
});
