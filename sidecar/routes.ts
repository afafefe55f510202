/** Which routes there are, by the first segment of their path. */
import type { Call } from "./call.ts";
import { rowByKey } from "./routes/row-by-key.ts";
import { rowsByKeys } from "./routes/rows-by-keys.ts";
import { rowsByPrefix } from "./routes/rows-by-prefix.ts";
import { ledgerLatency, ping } from "./routes/state.ts";

export interface Route {
  /** Label of metrics. */
  readonly pattern: string;
  readonly method: "GET" | "POST";
  /** Segments behind the first. */
  readonly names: number;
  /** Answered whatever is under way. */
  readonly isExempt: boolean;
  readonly answer: (call: Call) => Response | Promise<Response>;
}

/** The answers that are about the sidecar and not about rows. */
export interface OwnAnswers {
  readonly status: () => Response;
  readonly healthz: () => Response;
  readonly readyz: () => Response;
  readonly metrics: () => Promise<Response>;
}

export function createRoutes(own: OwnAnswers): ReadonlyMap<string, Route> {
  const routes = [
    ofTable("get-row-by-key", rowByKey),
    ofTable("get-rows-by-key-prefix", rowsByPrefix),
    plain("POST", "get-rows-by-keys", rowsByKeys),
    plain("GET", "get-ledger-latency", ledgerLatency),
    plain("GET", "healthcheck", ping),
    plain("GET", "ping", ping),
    plain("GET", "status", own.status),
    exempt("healthz", own.healthz),
    exempt("readyz", own.readyz),
    exempt("metrics", own.metrics),
  ];
  return new Map(routes.map((route) => [route.pattern.split("/")[1] ?? "", route]));
}

function ofTable(name: string, answer: Route["answer"]): Route {
  return { pattern: `/${name}/:family/:table`, method: "POST", names: 2, isExempt: false, answer };
}

function plain(method: Route["method"], name: string, answer: Route["answer"]): Route {
  return { pattern: `/${name}`, method, names: 0, isExempt: false, answer };
}

function exempt(name: string, answer: Route["answer"]): Route {
  return { ...plain("GET", name, answer), isExempt: true };
}

/** Value of an Allow header. */
export function allowedMethods({ method }: Route): string {
  return method === "GET" ? "GET, HEAD, OPTIONS" : "OPTIONS, POST";
}
