/** Stands for ECS' API (the JSON 1.1 protocol of AWS) and for the agent on the host; neither can be had here. */
import { listenPlainly } from "../../support/http-server.ts";

export const CLUSTER = "cluster-of-tests";
export const REGION = "eu-west-3";
export const INSTANCE_ARN = `arn:aws:ecs:${REGION}:123456789012:container-instance/${CLUSTER}/0123456789abcdef`;

/** How the API answers; `ok` also sets the attribute. */
export type EcsAnswer =
  | "ok"
  | "throttled"
  | "failing"
  | "denied"
  | "silent"
  | "web page"
  | "empty"
  | "of another";

export interface PutRequest {
  readonly target: string | null;
  readonly contentType: string | null;
  readonly authorization: string;
  readonly body: unknown;
  readonly value: string;
}

export interface EcsServer extends AsyncDisposable {
  /** For AWS_ENDPOINT_URL_ECS. */
  readonly url: string;
  /** For --ecs-agent-url. */
  readonly agentUrl: string;
  readonly requests: readonly PutRequest[];
  /** The value that ECS has now. */
  readonly attribute: string | null;
  /** How the next calls are answered; then all with `ok`. */
  answerNext(...answers: readonly EcsAnswer[]): void;
  /** What the agent says; null: nothing but an error. */
  metadata: unknown;
}

const ERRORS = {
  throttled: [400, "ThrottlingException"],
  failing: [500, "ServerException"],
  denied: [400, "AccessDeniedException"],
} as const;

export function startEcsServer(): EcsServer {
  const requests: PutRequest[] = [];
  const answers: EcsAnswer[] = [];
  const state: { attribute: string | null; metadata: unknown } = {
    attribute: null,
    metadata: { Cluster: CLUSTER, ContainerInstanceArn: INSTANCE_ARN, Version: "Amazon ECS Agent - v1.99.0" },
  };
  const server = listenPlainly("127.0.0.1:0", async (request) => {
    if (new URL(request.url).pathname === "/v1/metadata") {
      return state.metadata === null ? new Response("", { status: 500 }) : Response.json(state.metadata);
    }
    const put = await readPut(request);
    requests.push(put);
    return respond(answers.shift() ?? "ok", put, state);
  });
  const { url } = server;
  return {
    url,
    agentUrl: `${url}/v1/metadata`,
    requests,
    get attribute() {
      return state.attribute;
    },
    answerNext: (...next) => void answers.push(...next),
    get metadata() {
      return state.metadata;
    },
    set metadata(metadata) {
      state.metadata = metadata;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

async function readPut(request: Request): Promise<PutRequest> {
  const body = (await request.json()) as { attributes: readonly { value: string }[] }; // the SDK's, checked by the tests
  return {
    target: request.headers.get("x-amz-target"),
    contentType: request.headers.get("content-type"),
    authorization: request.headers.get("authorization") ?? "",
    body,
    value: body.attributes[0]?.value ?? "",
  };
}

function respond(answer: EcsAnswer, { body, value }: PutRequest, state: { attribute: string | null }) {
  const { attributes } = body as { attributes: unknown };
  const headers = { "content-type": "application/x-amz-json-1.1" };
  switch (answer) {
    case "ok":
      state.attribute = value;
      return new Response(JSON.stringify({ attributes }), { headers });
    case "silent":
      return new Promise<Response>(() => {});
    case "web page":
      return new Response("<html>sign in</html>", { headers: { "content-type": "text/html" } });
    case "empty":
      return new Response("{}", { headers });
    case "of another":
      return new Response(JSON.stringify({ attributes: [{ name: "other", value }] }), { headers });
    default: {
      const [status, type] = ERRORS[answer];
      return new Response(JSON.stringify({ __type: type, message: `for a test: ${type}` }), {
        status,
        headers,
      });
    }
  }
}
