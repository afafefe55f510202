/** The status in ECS, against a server that speaks its protocol. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { silentLogger } from "../../../core/process/logger.ts";
import { EcsAttribute, type EcsStatus, type StatusAttribute } from "../../../reflector/readiness/ecs.ts";
import { EcsMark } from "../../../reflector/readiness/ecs-mark.ts";
import { freePort, takenPort } from "../../support/free-port.ts";
import { until } from "../../support/until.ts";
import {
  CLUSTER,
  type EcsAnswer,
  type EcsServer,
  INSTANCE_ARN,
  REGION,
  startEcsServer,
} from "./ecs-server.ts";
import { FakeClock } from "./fake-clock.ts";
import { HEALTHY, LAGGING, UNREADY } from "./observed.ts";
import { recordingLogger } from "./recording-logger.ts";

const TIMEOUTS = { agentTimeoutMs: 300, connectTimeoutMs: 300, requestTimeoutMs: 300, totalTimeoutMs: 600 };
const NEVER = new AbortController().signal;

describe("the ECS attribute", () => {
  const kept = { ...process.env };
  let server: EcsServer;

  beforeEach(() => {
    server = startEcsServer();
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_ECS: server.url,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_EC2_METADATA_DISABLED: "true",
    });
    delete process.env["AWS_REGION"];
  });

  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
    await server[Symbol.asyncDispose]();
  });

  const attribute = (options: Partial<ConstructorParameters<typeof EcsAttribute>[0]> = {}) =>
    new EcsAttribute({ agentUrl: server.agentUrl, ...options }, TIMEOUTS);

  test("is put on the container instance and cluster that the agent names, in the region of its ARN", async () => {
    await attribute().put("healthy", NEVER);
    expect(server.requests).toMatchObject([
      {
        target: "AmazonEC2ContainerServiceV20141113.PutAttributes",
        contentType: "application/x-amz-json-1.1",
        body: {
          cluster: CLUSTER,
          attributes: [
            {
              name: "ctlstore-status",
              value: "healthy",
              targetType: "container-instance",
              targetId: INSTANCE_ARN,
            },
          ],
        },
      },
    ]);
    expect(server.requests[0]?.authorization).toContain(`/${REGION}/ecs/aws4_request`);
    expect(server.attribute).toBe("healthy");
  });

  test("is put where the flags say, without asking the agent", async () => {
    server.metadata = null;
    const given = { cluster: "mine", containerInstance: "abc", region: "us-west-1" };
    await attribute(given).put("unhealthy", NEVER);
    expect(server.requests[0]?.body).toMatchObject({ cluster: "mine", attributes: [{ targetId: "abc" }] });
    expect(server.requests[0]?.authorization).toContain("/us-west-1/ecs/");
  });

  test.each<[EcsAnswer, RegExp]>([
    ["throttled", /ThrottlingException/],
    ["failing", /ServerException/],
    ["denied", /AccessDeniedException/],
    ["silent", /[Tt]imeout/],
    ["web page", /Cannot set the ECS attribute ctlstore-status to healthy/],
    ["empty", /does not name the attribute/],
    ["of another", /does not name the attribute/],
  ])("is not taken for set when ECS is %s, and is asked for once", async (answer, message) => {
    server.answerNext(answer);
    const tested = attribute();
    const error = await tested.put("healthy", NEVER).then(
      () => null,
      (reason) => reason,
    );
    expect(error).toMatchObject({ code: "ecs_unavailable" });
    expect(error.message).toMatch(message);
    if (answer === "denied") expect(error.details.hint).toContain("ecs:PutAttributes");
    expect(server.requests.length).toBe(1);
    await tested.put("healthy", NEVER);
    expect(server.attribute).toBe("healthy");
  });

  test.each<[string, unknown]>([
    ["an error", null],
    ["no container instance yet", { Cluster: CLUSTER, ContainerInstanceArn: null }],
    ["another document", ["what"]],
  ])("waits for the agent when that answers with %s", async (_, metadata) => {
    const told = server.metadata;
    server.metadata = metadata;
    const tested = attribute();
    await expect(tested.put("healthy", NEVER)).rejects.toMatchObject({
      code: "ecs_unavailable",
      details: { hint: expect.stringContaining("--ecs-cluster") },
    });
    server.metadata = told;
    await tested.put("healthy", NEVER);
    expect(server.requests.length).toBe(1);
  });

  test("fails, and hangs nobody, when agent or API cannot be connected to", async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const noAgent = attribute({ agentUrl: `${nobody}/v1/metadata` }).put("healthy", NEVER);
    await expect(noAgent).rejects.toMatchObject({ code: "ecs_unavailable" });
    process.env["AWS_ENDPOINT_URL_ECS"] = nobody;
    await expect(attribute().put("healthy", NEVER)).rejects.toMatchObject({ code: "ecs_unavailable" });
  });

  test("asks the agent again after a refusal, since the host may have been registered anew", async () => {
    const tested = attribute();
    server.answerNext("denied");
    await tested.put("healthy", NEVER).catch(() => {});
    const renewed = INSTANCE_ARN.replace("0123", "4567");
    server.metadata = { Cluster: CLUSTER, ContainerInstanceArn: renewed };
    await tested.put("healthy", NEVER);
    expect(server.requests[1]?.body).toMatchObject({ attributes: [{ targetId: renewed }] });
  });

  test("does not wait for ever, nor at its end, when the SDK gets no answer about its credentials", async () => {
    using silent = await takenPort();
    delete process.env["AWS_ACCESS_KEY_ID"];
    delete process.env["AWS_SECRET_ACCESS_KEY"];
    process.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = `http://127.0.0.1:${silent.port}/credentials`;
    await expect(attribute().put("healthy", NEVER)).rejects.toMatchObject({ code: "ecs_unavailable" });
    const stopping = new AbortController();
    const patient = new EcsAttribute({ agentUrl: server.agentUrl });
    const put = patient.put("healthy", stopping.signal).catch((reason) => reason);
    stopping.abort(new Error("it ends"));
    expect((await put).message).toBe("it ends");
    expect(server.requests).toEqual([]);
  });

  test("lets go at once when the Reflector ends in the middle of a call", async () => {
    server.answerNext("silent");
    const stopping = new AbortController();
    const tested = new EcsAttribute({ agentUrl: server.agentUrl }); // with its long timeouts
    const put = tested.put("healthy", stopping.signal).catch((reason) => reason);
    await until(() => server.requests.length === 1, { what: "the call" });
    stopping.abort(new Error("it ends"));
    expect((await put).message).toBe("it ends");
    tested.close();
  });
});

/** Calls are answered by the test. */
function scriptedAttribute() {
  const calls: { status: EcsStatus; succeed: () => void; fail: () => void }[] = [];
  const attribute: StatusAttribute = {
    put: (status, signal) =>
      new Promise<void>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        calls.push({ status, succeed: resolve, fail: () => reject(new Error("refused")) });
      }),
    close: () => {},
  };
  return { attribute, calls, statuses: () => calls.map(({ status }) => status) };
}

describe("the status of a host in ECS", () => {
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  function marking(logger = silentLogger) {
    const scripted = scriptedAttribute();
    const clock = new FakeClock();
    const mark = new EcsMark({ attribute: scripted.attribute, clock, logger, random: () => 0.5 });
    return { ...scripted, clock, mark };
  }

  test("is told when the host starts, and then on change only", async () => {
    const { mark, calls, statuses } = marking();
    for (const readiness of [UNREADY, UNREADY, HEALTHY, HEALTHY, LAGGING, HEALTHY]) {
      mark.show(readiness);
      calls.at(-1)?.succeed();
      await settle();
    }
    expect(statuses()).toEqual(["unhealthy", "healthy", "unhealthy", "healthy"]);
  });

  test("is told again with growing pauses until it is acknowledged", async () => {
    const { mark, calls, clock } = marking();
    mark.show(HEALTHY);
    for (let i = 0; i < 5; i++) {
      calls.at(-1)?.fail();
      await settle();
      mark.show(HEALTHY);
      expect(calls.length).toBe(i + 1); // the pause is kept, however often it is shown
      await clock.advance(1_000 * 2 ** i);
    }
    expect(calls.length).toBe(6);
    calls.at(-1)?.succeed();
    await settle();
    mark.show(HEALTHY);
    await clock.advance(600_000);
    expect(calls.length).toBe(6);
  });

  test("ends with the newest one when it changes during a call or a pause", async () => {
    const { mark, calls, statuses, clock } = marking();
    mark.show(HEALTHY);
    mark.show(LAGGING);
    calls.at(-1)?.succeed();
    await settle();
    expect(statuses()).toEqual(["healthy", "unhealthy"]);
    calls.at(-1)?.fail();
    await settle();
    mark.show(HEALTHY);
    await clock.advance(10_000);
    expect(statuses()).toEqual(["healthy", "unhealthy", "healthy"]);
  });

  test("is told again although it is what was acknowledged before a call whose outcome is unknown", async () => {
    const { mark, calls, statuses, clock } = marking();
    mark.show(HEALTHY);
    calls.at(-1)?.succeed();
    await settle();
    mark.show(LAGGING);
    mark.show(HEALTHY);
    calls.at(-1)?.fail();
    await settle();
    await clock.advance(10_000);
    expect(statuses()).toEqual(["healthy", "unhealthy", "healthy"]);
  });

  test("R47 fills no log when ECS refuses for long", async () => {
    const { logger, lines } = recordingLogger();
    const { mark, calls, clock } = marking(logger);
    mark.show(HEALTHY);
    for (let i = 0; i < 100; i++) {
      calls.at(-1)?.fail();
      await settle();
      await clock.advance(60_000);
    }
    expect(calls.length).toBe(101);
    expect(lines.length).toBe(7);
  });

  test("does not keep the Reflector from ending, and is not touched by its end", async () => {
    const { mark, calls, statuses } = marking();
    mark.show(HEALTHY);
    await mark.stop();
    expect(statuses()).toEqual(["healthy"]);
    calls[0]?.fail();
    await settle();
    expect(calls.length).toBe(1);
  });
});
