/** What the commands have in common that look at the lanes of a loader from outside. */
import { readFileSync } from "node:fs";
import { CtlstoreError, messageOf, quote } from "../core/errors.ts";
import type { KafkaSettings } from "../loader/kafka/consumer.ts";
import type { LaneLookOptions } from "../loader/service/positions/lane-look.ts";
import { KAFKA_OPTIONS, kafkaOf, LANE_OPTIONS } from "./loader-options.ts";
import type { OptionValues } from "./options.ts";

const { group: _group, ...KAFKA_WITHOUT_GROUP } = KAFKA_OPTIONS;

export const LOOK_OPTIONS = { ...KAFKA_WITHOUT_GROUP, ...LANE_OPTIONS };

type Values = OptionValues<typeof LOOK_OPTIONS> & { readonly adminToken?: string | undefined };

/** @throws CtlstoreError `config_invalid`, `mapping_invalid` */
export function lookOptionsOf(options: Values): {
  readonly kafka: KafkaSettings;
  readonly look: LaneLookOptions;
} {
  const { executive, secret, writer, preserveTransactions, adminToken } = options;
  return {
    kafka: kafkaOf({ ...options, group: undefined }),
    look: {
      mapping: { text: readMapping(options.mapping), name: options.mapping },
      executive,
      secret,
      writer,
      preserveTransactions,
      ...(adminToken === undefined ? {} : { adminToken }),
    },
  };
}

function readMapping(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot use ${quote(path)} for --mapping: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}
