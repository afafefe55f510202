/** Options that say when a host is ready and who hears of it, and what they come to. */
import { READINESS_LIMITS } from "../core/limits.ts";
import { ECS_AGENT_URL } from "../reflector/readiness/ecs-agent.ts";
import { type ReadinessOptions, systemdOptions } from "../reflector/readiness/options.ts";
import { type Environment, type OptionValues, option, switchOption } from "./options.ts";
import { httpUrl, integer, text } from "./parsers.ts";

const DAY_SECONDS = 86_400;

export const READINESS_OPTIONS = {
  readyLagSeconds: option({
    flag: "ready-lag-seconds",
    placeholder: "SECONDS",
    help: "lag up to which the host is ready and healthy; never less than three poll intervals",
    parse: integer({ min: 1, max: 365 * DAY_SECONDS }),
    fallback: READINESS_LIMITS.lagSeconds,
  }),
  readyWithoutCtldbSeconds: option({
    flag: "ready-without-ctldb-seconds",
    placeholder: "SECONDS",
    help: "a host that has data from before is ready after so long without getting newer, as when the ctldb is away",
    parse: integer({ min: 0, max: 365 * DAY_SECONDS }),
    fallback: READINESS_LIMITS.withoutCtldbSeconds,
  }),
  readyFile: option({
    flag: "ready-file",
    placeholder: "PATH",
    help: "a file that is there while the host is ready",
    parse: text,
    fallback: undefined,
  }),
  ecsStatus: switchOption({
    flag: "ecs-status",
    help: "keep the attribute ctlstore-status (healthy, unhealthy) of this ECS container instance",
  }),
  ecsAgentUrl: option({
    flag: "ecs-agent-url",
    placeholder: "URL",
    help: "where the ECS agent of this host tells its cluster and container instance",
    parse: httpUrl,
    fallback: ECS_AGENT_URL,
  }),
  ecsCluster: option({
    flag: "ecs-cluster",
    placeholder: "NAME",
    help: "ECS cluster, by name or ARN, instead of asking the agent",
    parse: text,
    fallback: undefined,
  }),
  ecsContainerInstance: option({
    flag: "ecs-container-instance",
    placeholder: "ARN",
    help: "ECS container instance, by ARN or id, instead of asking the agent",
    parse: text,
    fallback: undefined,
  }),
};

/** @param environment systemd's and AWS' own variables are looked at */
export function readinessOf(
  values: OptionValues<typeof READINESS_OPTIONS>,
  environment: Environment,
): ReadinessOptions {
  const { readyFile, ecsCluster: cluster, ecsContainerInstance: containerInstance } = values;
  const systemd = systemdOptions(environment, process.pid);
  const region = environment["AWS_REGION"];
  const ecs = {
    agentUrl: values.ecsAgentUrl,
    ...(cluster === undefined ? {} : { cluster }),
    ...(containerInstance === undefined ? {} : { containerInstance }),
    ...(region === undefined || region === "" ? {} : { region }),
  };
  return {
    lagSeconds: values.readyLagSeconds,
    withoutCtldbSeconds: values.readyWithoutCtldbSeconds,
    ...(readyFile === undefined ? {} : { readyFile }),
    ...(systemd === undefined ? {} : { systemd }),
    ...(values.ecsStatus ? { ecs } : {}),
  };
}
