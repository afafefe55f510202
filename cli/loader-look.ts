/** What the commands have in common that look at the lanes of a loader from outside. */
import type { KafkaSettings } from "../loader/kafka/consumer.ts";
import type { LaneLookDeps, LaneLookOptions } from "../loader/service/positions/lane-look.ts";
import { reachExecutive, sentBy } from "./executive-options.ts";
import { readGivenFile } from "./given-file.ts";
import { KAFKA_OPTIONS, kafkaOf, LANE_OPTIONS } from "./loader-options.ts";
import type { OptionValues } from "./options.ts";

const { group: _group, ...KAFKA_WITHOUT_GROUP } = KAFKA_OPTIONS;

export const LOOK_OPTIONS = { ...KAFKA_WITHOUT_GROUP, ...LANE_OPTIONS };

type Values = OptionValues<typeof LOOK_OPTIONS> & { readonly adminToken?: string | undefined };

/** @throws CtlstoreError `config_invalid`, `mapping_invalid` */
export async function lookOptionsOf(options: Values): Promise<{
  readonly kafka: KafkaSettings;
  readonly look: LaneLookOptions;
  /** To the Executive. */
  readonly sent: Pick<LaneLookDeps, "fetch">;
}> {
  const way = await reachExecutive(options);
  const { secret, writer, preserveTransactions, adminToken } = options;
  return {
    kafka: kafkaOf({ ...options, group: undefined }),
    sent: sentBy(way),
    look: {
      mapping: { text: readGivenFile("mapping", options.mapping), name: options.mapping },
      executive: way.url,
      secret,
      writer,
      preserveTransactions,
      ...(adminToken === undefined ? {} : { adminToken }),
    },
  };
}
