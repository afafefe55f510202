/** The alert rules: judged by Prometheus' own tool, about metrics that there are, each with a test and with what to do. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { YAML } from "bun";
import { hasPromtool, promtool } from "../support/promtool.ts";
import { ROOT } from "../support/services.ts";
import { everyProcess } from "./every-process.ts";
import { exposedMetrics } from "./exposition.ts";
import { metricsIn } from "./expressions.ts";
import { anchors, documentedMetrics } from "./operations-document.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

interface RuleTest {
  readonly name: string;
  readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples?: readonly unknown[] }[];
}

const FOLDER = join(ROOT, "deploy", "prometheus");
const RULES_FILE = join(FOLDER, "ctlstore-alerts.yml");
const TESTS_FILE = join(FOLDER, "ctlstore-alerts.test.yml");

const read = (path: string) => YAML.parse(readFileSync(path, "utf8"));
const { groups } = read(RULES_FILE) as { groups: readonly { readonly rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const { tests: ruleTests } = read(TESTS_FILE) as { tests: readonly RuleTest[] };

/** Prometheus' own, of every target. */
const OWN = ["up"];
const known = new Set<string>(OWN);

beforeAll(async () => {
  for (const service of (await everyProcess()).values())
    for (const name of exposedMetrics((await service.get("/metrics")).text).keys()) known.add(name);
}, 120_000);

describe.skipIf(!hasPromtool)("Prometheus' own check", () => {
  test.each([
    ["the rules", ["check", "rules", RULES_FILE]],
    ["the example of a configuration", ["check", "config", join(FOLDER, "prometheus.example.yml")]],
    ["that each alarm fires when it must, and is silent when it must", ["test", "rules", TESTS_FILE]],
  ])("passes %s", async (_, args) => {
    const { code, stdout, stderr } = await promtool(args);
    expect(`${stdout}${stderr}`).not.toContain("FAILED");
    expect(code).toBe(0);
  });
});

describe.each(rules.map((rule) => [rule.alert, rule] as const))("the alarm %s", (name, rule) => {
  test("is about metrics that processes have", () => {
    const metrics = metricsIn(rule.expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((metric) => !known.has(metric))).toEqual([]);
  });

  test("says what is, what it means, what to do, and where the documents say more", () => {
    const { summary, description, action, runbook = "", ...others } = rule.annotations;
    for (const text of [summary, description, action]) expect(text).toMatch(/^[A-Z{`'\d].+/);
    expect(Object.keys(others)).toEqual([]);
    expect(["warning", "critical"]).toContain(rule.labels.severity);
    const [document, anchor = ""] = runbook.split("#");
    expect(document).toBe("docs/operations.md");
    expect([...anchors()]).toContain(anchor);
  });

  test("has a test in which it fires, and is silent before", () => {
    const tests = ruleTests.filter((of) => of.name === name);
    expect(tests).not.toEqual([]);
    for (const { promql_expr_test: cases } of tests) {
      for (const { expr } of cases) expect(expr).toContain(`alertname="${name}",alertstate="firing"`);
      expect(cases.map(({ exp_samples }) => (exp_samples ?? []).length)).toEqual([0, 1]);
    }
  });
});

test("the document names every alarm that there is, and no other", () => {
  const named = [...documentedMetrics().values()].flat().flatMap(({ alarms }) => alarms);
  const ofUp = ["CtlstoreTargetDown", "CtlstoreExecutiveDown"];
  expect([...new Set([...named, ...ofUp])].sort()).toEqual(rules.map(({ alert }) => alert).sort());
});
