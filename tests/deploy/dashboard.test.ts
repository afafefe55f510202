/** The Grafana dashboard: every expression is one that Prometheus reads, about metrics that there are. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasPromtool, promtool } from "../support/promtool.ts";
import { ROOT } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { everyProcess } from "./every-process.ts";
import { exposedMetrics } from "./exposition.ts";
import { metricsIn } from "./expressions.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

const PATH = join(ROOT, "deploy", "grafana", "ctlstore.json");
const dashboard: Dashboard = JSON.parse(readFileSync(PATH, "utf8"));
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);
const expressions = [
  ...targets.map(({ expr }) => expr),
  ...dashboard.annotations.list.map(({ expr }) => expr),
];

const known = new Map<string, string>();

beforeAll(async () => {
  for (const service of (await everyProcess()).values())
    for (const { name, type } of exposedMetrics((await service.get("/metrics")).text).values())
      known.set(name, type);
}, 120_000);

/** As Grafana sends it. */
function sent(expression: string): string {
  return expression
    .replaceAll("$__rate_interval", "1m")
    .replaceAll("$job", ".*")
    .replaceAll("$instance", ".*");
}

describe("the dashboard", () => {
  test("asks for metrics that processes have alone, histograms by their parts and others whole", () => {
    expect(expressions.length).toBeGreaterThan(50);
    for (const expression of expressions) {
      const metrics = metricsIn(expression);
      expect(metrics.length, expression).toBeGreaterThan(0);
      for (const metric of metrics) {
        expect([...known.keys()]).toContain(metric);
        const isInParts = new RegExp(`${metric}_(bucket|sum|count)\\b`).test(expression);
        expect(`${metric} ${isInParts}`).toBe(`${metric} ${known.get(metric) === "histogram"}`);
      }
    }
  });

  test("asks for rates of counters, and of nothing else", () => {
    for (const expression of expressions) {
      for (const metric of metricsIn(expression)) {
        const isCounted = known.get(metric) !== "gauge";
        const isRate = new RegExp(`(rate|increase)\\(${metric}`).test(expression);
        expect(`${expression} ${isRate}`).toBe(`${expression} ${isCounted}`);
      }
    }
  });

  test.skipIf(!hasPromtool)("has expressions that Prometheus can read", async () => {
    using folder = tempFolder("dashboard");
    const rules = expressions.map((expression, at) => ({ record: `panel:${at}`, expr: sent(expression) }));
    // JSON is YAML.
    writeFileSync(folder.file("rules.yml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const { code, stdout, stderr } = await promtool(["check", "rules", folder.file("rules.yml")]);
    expect(`${stdout}${stderr}`).toContain(`${rules.length} rules found`);
    expect(code).toBe(0);
  });

  test("leaves data source, job and instance to whoever looks", () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(["datasource", "job", "instance"]);
    for (const { expr, datasource } of targets) {
      expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
      for (const [selector] of expr.matchAll(/\{[^}]*\}/g)) {
        expect(selector).toContain('job=~"$job",instance=~"$instance"');
      }
    }
  });

  test("has a row for each part, and panels that do not lie on one another", () => {
    const rows = dashboard.panels.filter(({ type }) => type === "row").map(({ title }) => title);
    for (const part of ["Fleet", "Writes", "Central", "Hosts", "Snapshots", "Loader", "Sidecars"])
      expect(rows.some((title) => title.startsWith(part))).toBe(true);
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});
