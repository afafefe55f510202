/** Looks at lanes from outside, for commands: their plans and cookies, whether a loader runs or not. Changes nothing. */

import type { FetchLike } from "../../../client/index.ts";
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../../../core/errors.ts";
import type { Kafka, KafkaConsumer, TopicPartition, Watermarks } from "../../kafka/consumer.ts";
import { createLaneWriter, type LaneWriter } from "../../lanes/batches/lane-writer.ts";
import { decodeLaneState } from "../../lanes/cookie/cookie.ts";
import type { LaneState } from "../../lanes/cookie/lane-state.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";
import type { Mapping } from "../../mapping/mapping.ts";
import { mappingAsOf } from "../../mapping/mapping-as-of.ts";
import type { MappingText } from "../../mapping/mapping-text.ts";
import { planMapping } from "../../mapping/plan.ts";
import { readMappingFile } from "../../mapping/read-file.ts";
import { type LanePlansOptions, plansOf, topicsToRead } from "../lanes/lane-plans.ts";
import { findTopics, type Topics } from "../topics.ts";

export interface LaneLookDeps {
  readonly kafka: Kafka;
  readonly fetch?: FetchLike;
}

export interface LaneLookOptions extends LanePlansOptions {
  readonly mapping: MappingText;
  readonly executive: string;
  readonly secret: string;
  /** Makes the writer of a lane known that never ran; without it such a lane cannot be moved. */
  readonly adminToken?: string;
}

/** What the cookie of a lane says. */
export type CookieLook =
  | { readonly kind: "read"; readonly cookie: Uint8Array; readonly state: LaneState }
  /** It has none that can be gone on from, or none could be read. */
  | { readonly kind: "none"; readonly problem: CtlstoreError };

export class LaneLook implements AsyncDisposable {
  readonly #consumer: KafkaConsumer;
  readonly #deps: LaneLookDeps;
  readonly #options: LaneLookOptions;
  readonly #mapping: Mapping;

  /** @throws CtlstoreError `mapping_invalid` */
  constructor(deps: LaneLookDeps, options: LaneLookOptions) {
    this.#deps = deps;
    this.#options = options;
    const { text, name } = options.mapping;
    // Lanes do not depend on the tables' schemas.
    this.#mapping = mappingAsOf(planMapping(readMappingFile(text, name), name));
    this.#consumer = deps.kafka.consumer();
  }

  /** @throws CtlstoreError `kafka_unavailable`, `kafka_denied` */
  topics(signal: AbortSignal): Promise<Topics> {
    return findTopics(this.#consumer, topicsToRead(this.#mapping, this.#options), signal);
  }

  plans(topics: Topics): LanePlan[] {
    return plansOf(this.#mapping, topics, this.#options);
  }

  watermarks(partition: TopicPartition, signal: AbortSignal): Promise<Watermarks> {
    return this.#consumer.watermarks(partition, signal);
  }

  writerOf(plan: LanePlan): LaneWriter {
    const { executive: url, secret, adminToken } = this.#options;
    const { fetch } = this.#deps;
    return createLaneWriter({
      url,
      writer: plan.writer,
      secret,
      family: this.family,
      ...(adminToken === undefined ? {} : { adminToken }),
      ...(fetch === undefined ? {} : { fetch }),
    });
  }

  /** Any family of the mapping: a cookie alone is written through it. */
  get family(): string {
    return this.#mapping.families[0] ?? "";
  }

  /** @throws CtlstoreError when the Executive cannot be asked */
  async cookieOf(plan: LanePlan, signal: AbortSignal): Promise<CookieLook> {
    try {
      const cookie = await this.writerOf(plan).readCookie(signal);
      return { kind: "read", cookie, state: decodeLaneState(cookie, plan) };
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
      if (error.code === "cookie_foreign") return { kind: "none", problem: error };
      if (error.code !== "bad_credentials") throw error;
      const problem = new CtlstoreError(
        "bad_credentials",
        `Cannot read the cookie of writer ${quote(plan.writer)}: the Executive does not know it, or not with this secret`,
        { hint: "a lane that never ran has no writer yet; else look at --secret and --writer", cause: error },
      );
      return { kind: "none", problem };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.close();
  }
}

/** For a lane's line: why it has no positions. */
export function problemText(look: CookieLook): string | null {
  return look.kind === "none" ? messageOf(look.problem) : null;
}
