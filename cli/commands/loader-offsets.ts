/** `ctlstore loader offsets`: how far each lane is, by its cookie. */
import type { LaneOffsets, OffsetsReport, PartitionOffsets } from "../../loader/service/positions/offsets.ts";
import { command } from "../command.ts";
import { LOOK_OPTIONS, lookOptionsOf } from "../loader-look.ts";
import { jsonText, textTable } from "../print.ts";
import { jsonOption } from "../shared-options.ts";

export const loaderOffsetsCommand = command({
  name: "loader offsets",
  summary: "print how far each lane of a loader is: the positions in its cookie beside what Kafka has",
  details:
    "Reads only, whether a loader runs or not. NEXT is the offset of the first event that has not taken effect; LOW and " +
    "HIGH are what Kafka keeps. A state of deleted or ahead means that the loader will stop with events_lost.",
  options: { ...LOOK_OPTIONS, json: jsonOption },
  examples: [
    "loader offsets --brokers kafka:9092 --mapping mapping.json --executive http://executive:3000 --secret @loader-secret",
    "loader offsets --brokers kafka:9092 --mapping mapping.json --secret @loader-secret --json",
  ],
  async run(context, options) {
    if (typeof Bun !== "undefined") {
      const { runOnNode } = await import("../on-node.ts");
      return runOnNode(process.argv.slice(2), context);
    }
    const signal = context.stopSignal();
    const { LaneLook } = await import("../../loader/service/positions/lane-look.ts");
    const { readOffsets } = await import("../../loader/service/positions/offsets.ts");
    const { createKafka } = await import("../../loader/kafka/client.ts");
    const { kafka, sent, look: lookOptions } = await lookOptionsOf(options);
    await using look = new LaneLook({ kafka: createKafka(kafka), ...sent }, lookOptions);
    const report = await readOffsets(look, signal);
    if (options.json) context.out(jsonText(report));
    else for (const line of offsetsLines(report)) context.out(line);
  },
});

/** As text, for people. */
export function offsetsLines({ lanes, missingTopics }: OffsetsReport): string[] {
  const rows = lanes.flatMap((lane) => lane.partitions.map((partition) => rowOf(lane, partition)));
  return [
    ...textTable(["lane", "writer", "topic", "partition", "next", "low", "high", "lag", "state"], rows),
    ...lanes.flatMap(notesOf),
    ...missingTopics.map((topic) => `topic ${topic} is in the mapping, and not in Kafka`),
  ];
}

function rowOf({ name, writer }: LaneOffsets, offsets: PartitionOffsets): string[] {
  const { topic, partition, next, low, high, lag, state } = offsets;
  const cells = [partition, next ?? "-", low, high, lag ?? "-"].map(String);
  return [name, writer, topic, ...cells, state];
}

function notesOf({ name, problem, openSnapshots }: LaneOffsets): string[] {
  return [
    ...(problem === null ? [] : [`lane ${name}: ${problem}`]),
    ...openSnapshots.map(
      ({ family, table, from }) =>
        `lane ${name}: a snapshot of ${family}/${table} is coming in, since ${from
          .map(({ partition, offset }) => `${partition}:${offset}`)
          .join(", ")}`,
    ),
  ];
}
