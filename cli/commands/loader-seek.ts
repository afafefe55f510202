/** `ctlstore loader seek`: moves a lane by hand, past an event that cannot be loaded or to what Kafka still has. */
import type { SeekPlan, SeekTarget } from "../../loader/service/positions/seek.ts";
import { parseArgument } from "../arguments.ts";
import { type CommandContext, command } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { LOOK_OPTIONS, lookOptionsOf } from "../loader-look.ts";
import { switchOption } from "../options.ts";
import { integer, text } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { jsonOption, optionalAdminTokenOption } from "../shared-options.ts";

export const loaderSeekCommand = command({
  name: "loader seek",
  summary:
    "move a lane of a loader in one partition: past an event that cannot be loaded, or to what Kafka has",
  details:
    "OFFSET is that of the next event to load: to pass over the event at 1842 give 1843. Events that are passed over are " +
    "not loaded, and events that are gone back to are loaded again, in their order.\n\n" +
    "Stop the loaders of the lane first. If one moves the cookie meanwhile nothing is changed. Without --yes it only " +
    "shows what would be changed.",
  arguments: [
    { name: "topic", help: "the topic" },
    { name: "partition", help: "number of the partition" },
    { name: "offset", help: "the next event to load: a number, beginning, or end" },
  ],
  options: {
    ...LOOK_OPTIONS,
    adminToken: optionalAdminTokenOption,
    yes: switchOption({ flag: "yes", help: "do it" }),
    json: jsonOption,
  },
  examples: [
    "loader seek shop.inventory.currencies 0 1843 --yes --brokers kafka:9092 --mapping mapping.json --secret @loader-secret",
    "loader seek shop.inventory.currencies 0 beginning --brokers kafka:9092 --mapping mapping.json --secret @loader-secret",
  ],
  async run(context, options, [topicText, partitionText, offsetText]) {
    const topic = parseArgument("TOPIC", topicText, text);
    const partition = parseArgument("PARTITION", partitionText, integer({ min: 0, max: 1_000_000 }));
    const target = parseArgument("OFFSET", offsetText, seekTarget);
    if (typeof Bun !== "undefined") {
      const { runOnNode } = await import("../on-node.ts");
      return runOnNode(process.argv.slice(2), context);
    }
    const signal = context.stopSignal();
    const { LaneLook } = await import("../../loader/service/positions/lane-look.ts");
    const { prepareSeek } = await import("../../loader/service/positions/seek.ts");
    const { createKafka } = await import("../../loader/kafka/client.ts");
    const { kafka, sent, look: lookOptions } = await lookOptionsOf(options);
    await using look = new LaneLook({ kafka: createKafka(kafka), ...sent }, lookOptions);
    const seek = await prepareSeek(look, { topic, partition }, target, signal);
    if (options.yes) await seek.apply(signal);
    show(context, seek.plan, options);
    if (!options.yes) throw new CommandFailure("nothing was changed; add --yes to do it");
  },
});

function seekTarget(value: string): SeekTarget {
  if (value === "beginning" || value === "end") return value;
  try {
    return integer({ min: 0, max: 999_999_999_999_999 })(value);
  } catch {
    throw new Error("it must be an offset, beginning, or end");
  }
}

function show(
  context: CommandContext,
  plan: SeekPlan,
  { yes, json }: { readonly yes: boolean; readonly json: boolean },
): void {
  if (json) {
    context.out(jsonText({ ...plan, changed: yes }));
    return;
  }
  const { lane, topic, partition, before, after, low, high } = plan;
  const from = before === null ? "the beginning (no position yet)" : String(before);
  context.out(
    `lane ${lane}, topic ${topic}, partition ${partition}: ${yes ? "moved" : "would move"} from ${from} to ${after} (Kafka has ${low} to ${high})`,
  );
  if (before !== null && after > before)
    context.out(`${after - before} ${yes ? "offsets are" : "offsets would be"} passed over and not loaded`);
  if (before !== null && after < before)
    context.out(`${before - after} ${yes ? "offsets are" : "offsets would be"} loaded again`);
}
