/** Reads Prometheus' text format, as far as ours uses it. */

export interface ExposedMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Of its series, without the bounds of histograms; empty when it has no labels, or no series yet. */
  readonly labels: readonly string[];
  readonly series: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/;

export function exposedMetrics(text: string): ReadonlyMap<string, ExposedMetric> {
  const found = new Map<string, { type: string; help: string; labels: Set<string>; series: number }>();
  for (const line of text.split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (kind !== undefined) {
      const metric = found.get(name) ?? { type: "", help: "", labels: new Set(), series: 0 };
      found.set(name, kind === "TYPE" ? { ...metric, type: rest } : { ...metric, help: rest });
      continue;
    }
    const [, sample = "", labels = ""] = SAMPLE.exec(line) ?? [];
    const metric = found.get(sample) ?? found.get(sample.replace(/_(bucket|sum|count)$/, ""));
    if (metric === undefined) continue;
    metric.series += 1;
    for (const [, label = ""] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g))
      if (label !== "le") metric.labels.add(label);
  }
  return new Map(
    [...found].map(([name, metric]) => [name, { ...metric, name, labels: [...metric.labels].sort() }]),
  );
}
