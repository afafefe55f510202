/** What docs/operations.md says about metrics: the tables of the sections "Metrics of …". */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/services.ts";

export interface DocumentedMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly alarms: readonly string[];
}

export const OPERATIONS = readFileSync(join(ROOT, "docs", "operations.md"), "utf8");

/** By the heading without "Metrics of ", such as "the Reflector". */
export function documentedMetrics(): ReadonlyMap<string, readonly DocumentedMetric[]> {
  const sections = OPERATIONS.split(/^### Metrics of /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [title = "", ...lines] = section.split(/^## /m)[0]?.split("\n") ?? [];
      return [title, lines.filter((line) => line.startsWith("| `")).map(metricOf)] as const;
    }),
  );
}

function metricOf(line: string): DocumentedMetric {
  const cells = line.split("|").map((cell) => cell.trim());
  if (cells.length !== 7) throw new Error(`no row of five cells: ${line}`);
  const [, name = "", type = "", labels = "", , alarms = ""] = cells;
  return {
    name: name.replaceAll("`", ""),
    type,
    labels: labels === "" ? [] : labels.split(", ").sort(),
    alarms: alarms.match(/Ctlstore\w+/g) ?? [],
  };
}

/** The anchors that its headings have. */
export function anchors(): ReadonlySet<string> {
  const headings = OPERATIONS.match(/^#+ .+$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, "")
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}
