/** Asks the ECS agent of this host which cluster and which container instance it is. */
import { CtlstoreError, messageOf } from "../../core/errors.ts";

/** Where the agent's introspection answers, unless somebody moved it. */
export const ECS_AGENT_URL = "http://localhost:51678/v1/metadata";

export interface EcsIdentity {
  readonly cluster: string;
  /** ARN; or an id where it was given by hand. */
  readonly containerInstance: string;
}

/** @throws CtlstoreError `ecs_unavailable`: also while the agent has not registered the host yet */
export async function askEcsAgent(url: string, timeoutMs: number, signal: AbortSignal): Promise<EcsIdentity> {
  const metadata = await fetchMetadata(url, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])).catch(
    (cause) => {
      signal.throwIfAborted();
      throw unanswered(url, messageOf(cause), cause);
    },
  );
  const cluster = metadata["Cluster"];
  const containerInstance = metadata["ContainerInstanceArn"];
  if (typeof cluster !== "string" || cluster === "" || typeof containerInstance !== "string") {
    throw unanswered(url, "it names no cluster and container instance (yet)");
  }
  return { cluster, containerInstance };
}

async function fetchMetadata(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`it answers ${response.status}`);
  const body: unknown = await response.json();
  if (typeof body !== "object" || body === null) throw new Error("its answer is no JSON object");
  return body as Record<string, unknown>; // each member is looked at before it is used
}

function unanswered(url: string, reason: string, cause?: unknown): CtlstoreError {
  return new CtlstoreError("ecs_unavailable", `Cannot ask the ECS agent at ${url}: ${reason}`, {
    hint: "Is this an ECS container instance? --ecs-cluster and --ecs-container-instance do without the agent.",
    ...(cause === undefined ? {} : { cause }),
  });
}
