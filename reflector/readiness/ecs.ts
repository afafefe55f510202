/**
 * Sets the attribute `ctlstore-status` of this container instance by ECS' PutAttributes. The only file that knows its SDK,
 * which is loaded with the first call.
 */
import type { ECSClient, PutAttributesCommand } from "@aws-sdk/client-ecs";
import { CtlstoreError, messageOf } from "../../core/errors.ts";
import { READINESS_LIMITS } from "../../core/limits.ts";
import { askEcsAgent, type EcsIdentity } from "./ecs-agent.ts";
import type { EcsOptions } from "./options.ts";

export const ECS_ATTRIBUTE = "ctlstore-status";

export type EcsStatus = "healthy" | "unhealthy";

/** Where a status of this host is put. */
export interface StatusAttribute {
  /** Resolves when ECS has said that it has the value. @throws CtlstoreError `ecs_unavailable`, or the signal's reason */
  put(status: EcsStatus, signal: AbortSignal): Promise<void>;
  close(): void;
}

type EcsTimeouts = {
  readonly [Name in "agentTimeoutMs" | "connectTimeoutMs" | "requestTimeoutMs" | "totalTimeoutMs"]: number;
};

export class EcsAttribute implements StatusAttribute {
  readonly #options: EcsOptions;
  readonly #timeouts: EcsTimeouts;
  #identity: EcsIdentity | null = null;
  #client: ECSClient | null = null;

  constructor(options: EcsOptions, timeouts: EcsTimeouts = READINESS_LIMITS.ecs) {
    this.#options = options;
    this.#timeouts = timeouts;
  }

  async put(status: EcsStatus, signal: AbortSignal): Promise<void> {
    this.#identity ??= await this.#discover(signal);
    const { cluster, containerInstance } = this.#identity;
    const ecs = await import("@aws-sdk/client-ecs");
    this.#client ??= await this.#connect(containerInstance);
    const attribute = { name: ECS_ATTRIBUTE, value: status, targetId: containerInstance };
    const command = new ecs.PutAttributesCommand({
      cluster,
      attributes: [{ ...attribute, targetType: "container-instance" }],
    });
    try {
      const { attributes = [] } = await this.#send(this.#client, command, signal);
      const isSet = attributes.some(({ name, value }) => name === ECS_ATTRIBUTE && value === status);
      if (!isSet) throw new Error("its answer does not name the attribute");
    } catch (cause) {
      signal.throwIfAborted();
      // The agent may have registered the host anew since.
      this.#identity = null;
      throw refused(status, cause);
    }
  }

  /** Ends with the signal and in time, whatever the SDK waits for: it looks for credentials without asking either. */
  async #send(client: ECSClient, command: PutAttributesCommand, signal: AbortSignal) {
    const limit = new AbortController();
    const timer = setTimeout(
      () => limit.abort(new Error("it takes too long")),
      this.#timeouts.totalTimeoutMs,
    );
    const abortSignal = AbortSignal.any([signal, limit.signal]);
    const ended = new Promise<never>((_, reject) => {
      abortSignal.addEventListener("abort", () => reject(abortSignal.reason), { once: true });
    });
    try {
      return await Promise.race([client.send(command, { abortSignal }), ended]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#client?.destroy();
  }

  async #discover(signal: AbortSignal): Promise<EcsIdentity> {
    const { cluster, containerInstance, agentUrl } = this.#options;
    if (cluster !== undefined && containerInstance !== undefined) return { cluster, containerInstance };
    const found = await askEcsAgent(agentUrl, this.#timeouts.agentTimeoutMs, signal);
    return {
      cluster: cluster ?? found.cluster,
      containerInstance: containerInstance ?? found.containerInstance,
    };
  }

  async #connect(containerInstance: string): Promise<ECSClient> {
    const { ECSClient } = await import("@aws-sdk/client-ecs");
    const region = this.#options.region ?? regionOf(containerInstance);
    const { connectTimeoutMs, requestTimeoutMs } = this.#timeouts;
    return new ECSClient({
      // Whoever calls tries again, with the newest status.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        requestTimeout: requestTimeoutMs,
        throwOnRequestTimeout: true,
      },
      ...(region === undefined ? {} : { region }),
    });
  }
}

/** `arn:aws:ecs:REGION:account:container-instance/…` */
function regionOf(arn: string): string | undefined {
  const [prefix, , service, region] = arn.split(":");
  return prefix === "arn" && service === "ecs" && region !== "" ? region : undefined;
}

function refused(status: EcsStatus, cause: unknown): CtlstoreError {
  const name = cause instanceof Error ? `${cause.name}: ` : "";
  const denied = /AccessDenied|UnrecognizedClient|Credentials|ExpiredToken|InvalidSignature/.test(name);
  return new CtlstoreError(
    "ecs_unavailable",
    `Cannot set the ECS attribute ${ECS_ATTRIBUTE} to ${status}: ${name}${messageOf(cause)}`,
    {
      cause,
      ...(denied ? { hint: "The host's role needs ecs:PutAttributes on its container instance." } : {}),
    },
  );
}
