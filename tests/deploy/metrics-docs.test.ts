/** docs/operations.md lists exactly the metrics that the processes have: names, types, labels; both ways. */
import { beforeAll, describe, expect, test } from "bun:test";
import { everyProcess, SERVICES, type ServiceName } from "./every-process.ts";
import { type ExposedMetric, exposedMetrics } from "./exposition.ts";
import { type DocumentedMetric, documentedMetrics } from "./operations-document.ts";

/** The sections that each process has for sure. */
const SECTIONS: Readonly<Record<ServiceName, readonly string[]>> = {
  executive: ["every process", "traces", "the Executive"],
  // The one that has TLS in these tests.
  reflector: ["every process", "traces", "listeners", "the Reflector"],
  supervisor: ["every process", "the Reflector", "the Supervisor"],
  heartbeat: ["every process", "traces", "the heartbeat"],
  sidecar: ["every process", "the sidecar"],
  loader: ["every process", "traces", "the loader"],
};

const documented = documentedMetrics();
const exposed = new Map<ServiceName, ReadonlyMap<string, ExposedMetric>>();

beforeAll(async () => {
  for (const [name, service] of await everyProcess())
    exposed.set(name, exposedMetrics((await service.get("/metrics")).text));
}, 120_000);

function documentedFor(name: ServiceName): readonly DocumentedMetric[] {
  return SECTIONS[name].flatMap((title) => documented.get(title) ?? []);
}

function form(metrics: readonly { readonly name: string; readonly type: string }[]): string[] {
  return metrics.map(({ name, type }) => `${name} ${type}`).sort();
}

describe.each(SERVICES)("the document's list of metrics of %s", (name) => {
  test("is that of its process, with types", () => {
    expect(form(documentedFor(name))).toEqual(form([...(exposed.get(name)?.values() ?? [])]));
  });

  test("has the labels of its series", () => {
    const labels = new Map(documentedFor(name).map((metric) => [metric.name, metric.labels] as const));
    for (const metric of exposed.get(name)?.values() ?? []) {
      // Without a series yet there are no labels to be seen.
      if (metric.series === 0) continue;
      expect(`${metric.name} ${metric.labels}`).toBe(`${metric.name} ${labels.get(metric.name)}`);
    }
  });
});

test("every section of the document about metrics is that of a process", () => {
  expect([...new Set(Object.values(SECTIONS).flat())].sort()).toEqual([...documented.keys()].sort());
});
