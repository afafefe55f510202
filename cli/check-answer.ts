/** What `ctlstore loader check` found out, as text for people. */
import type { MappingReport, SampleReport, TableReport } from "../loader/mapping/check/report.ts";
import { jsonText, textTable } from "./print.ts";

export function checkLines(report: MappingReport): string[] {
  const { tables, topics, lanes, sample } = report;
  return [
    ...tables.flatMap((table) => [...tableLines(table), ""]),
    ...section(topics, ["topic", "partitions"], ({ topic, partitions }) => [
      topic,
      String(partitions ?? "not in Kafka"),
    ]),
    ...section(lanes, ["lane", "writer", "partitions", "cookie"], (lane) => [
      ...[lane.lane, lane.writer, String(lane.partitions)],
      `at most ${lane.largestCookieBytes} bytes`,
    ]),
    ...(sample ?? []).flatMap(sampleLines),
    ...report.problems.map((problem) => `problem: ${problem}`),
    ...(report.ok ? ["ok"] : []),
  ];
}

function tableLines(report: TableReport): string[] {
  const { place, topic, source, family, table, state, key, fields, rest, warnings, problems } = report;
  const origin = source === null ? topic : `${topic} (${source})`;
  const keyText = key === null ? "key of the first event" : `key ${key.join(", ")}`;
  const rows = fields.map((field) => [
    field.state === "will be made" ? `+ ${field.field}` : field.field,
    field.type ?? "by the event",
    field.from,
  ]);
  return [
    `${place}: ${origin} -> ${family}/${table}, ${STATES[state]}, ${keyText}`,
    ...(rows.length === 0 ? [] : textTable(["field", "type", "from"], rows).map((line) => `  ${line}`)),
    `  ${rest}`,
    ...warnings.map((warning) => `  warning: ${warning}`),
    ...problems.map((problem) => `  problem: ${problem}`),
  ];
}

const STATES: Readonly<Record<TableReport["state"], string>> = {
  exists: "which exists",
  "will be made": "which will be made",
  missing: "which does not exist",
  unknown: "not looked at",
};

function section<Item>(
  items: readonly Item[] | null,
  headings: readonly string[],
  rowOf: (item: Item) => string[],
): string[] {
  return items === null || items.length === 0 ? [] : [...textTable(headings, items.map(rowOf)), ""];
}

function sampleLines({ line, topic, outcome, what, made, mutations }: SampleReport): string[] {
  const place = topic === "" ? `line ${line}` : `line ${line}, ${topic}`;
  return [
    `${place}: ${outcome === "loaded" ? what : `${outcome}: ${what}`}`,
    ...(made === null ? [] : [`  makes ${made}`]),
    ...mutations.map(
      ({ action, family, table, values }) => `  ${action} ${family}/${table} ${jsonText(values)}`,
    ),
  ];
}
