/**
 * One request for every operation of the API, valid as it is: what the tests of access send as one caller after the other.
 *
 * In this order each succeeds for whoever may do everything. A new route without a sample fails the tests (D22).
 */
import { testSecret } from "../support/secrets.ts";
import type { Call } from "./test-app.ts";

/** The rest of a call: who makes it is the test's matter. */
export type Sample = Omit<Call, "headers">;

const json = JSON.stringify;
const FIELDS = [["id", "integer"]];
const TABLE = { fields: FIELDS, keyFields: ["id"] };
const BATCH = { mutations: [{ table: "counter", values: { id: 1 } }] };

/**
 * By operation, as the OpenAPI document names it.
 * @param own a few letters for the names of what is made, so that two callers do not meet
 */
export function routeSamples(own: string): ReadonlyMap<string, Sample> {
  const samples: Record<string, string | readonly [path: string, body: string]> = {
    "GET /healthz": "/healthz",
    "GET /readyz": "/readyz",
    "GET /metrics": "/metrics",

    "GET /cookie": "/cookie",
    "POST /cookie": ["/cookie", "an offset"],
    "POST /families/{family}/mutations": ["/families/shop/mutations", json(BATCH)],

    "POST /families/{family}": `/families/fam${own}`,
    "POST /families/{family}/tables/{table}": [`/families/shop/tables/tab${own}`, json(TABLE)],
    "PUT /families/{family}/tables/{table}": [
      "/families/shop/tables/counter",
      json({ fields: [[`more_${own}`, "text"]] }),
    ],
    "POST /tables": ["/tables", json([{ family: "shop", name: `two${own}`, ...TABLE }])],
    "PUT /families/{family}/tables/{table}/readers/{reader}": [
      `/families/shop/tables/item/readers/reader-${own}`,
      json({ contact: "#checkout" }),
    ],
    "GET /families/{family}/tables/{table}/readers": "/families/shop/tables/item/readers",
    "DELETE /families/{family}/tables/{table}/readers/{reader}": `/families/shop/tables/item/readers/reader-${own}`,

    "GET /status": "/status",
    "GET /whoami": "/whoami",
    "GET /families": "/families",
    "GET /families/{family}/tables": "/families/shop/tables",
    "GET /families/{family}/tables/{table}/rows": "/families/shop/tables/item/rows",
    "GET /families/{family}/tables/{table}/row": "/families/other/tables/kept/row?key=[1]",
    "GET /families/{family}/tables/{table}/history": "/families/other/tables/kept/history?key=[1]",
    "GET /ledger": "/ledger?limit=10",
    "GET /schema/table/{family}/{table}": "/schema/table/shop/item",
    "GET /schema/family/{family}": "/schema/family/shop",

    "POST /writers/{writer}": [`/writers/writer-${own}`, testSecret("first")],
    "GET /writers": "/writers",
    "GET /writers/{writer}": "/writers/importer",
    "PUT /writers/{writer}/grants": [`/writers/writer-${own}/grants`, json({ families: ["shop"] })],
    "POST /writers/{writer}/secret": [`/writers/writer-${own}/secret?overlap=1h`, testSecret("second")],
    "DELETE /writers/{writer}": `/writers/writer-${own}`,

    "POST /operators/{name}": [`/operators/operator-${own}`, json({ role: "read" })],
    "GET /operators": "/operators",
    "DELETE /operators/{name}": `/operators/operator-${own}`,
    "GET /audit": "/audit",

    "POST /limits/tables/{family}/{table}": [
      "/limits/tables/shop/item",
      json({ "max-size": 2_000_000, "warn-size": 1_000_000 }),
    ],
    "GET /limits/tables": "/limits/tables",
    "GET /limits/sizes": "/limits/sizes",
    "DELETE /limits/tables/{family}/{table}": "/limits/tables/shop/item",
    "POST /limits/writers/{writer}": ["/limits/writers/importer", json({ amount: 500, period: "1m" })],
    "GET /limits/writers": "/limits/writers",
    "GET /limits/usage": "/limits/usage",
    "DELETE /limits/writers/{writer}": "/limits/writers/importer",
    "POST /limits/fleet": ["/limits/fleet", json({ amount: 5000, period: "1m" })],
    "GET /limits/fleet": "/limits/fleet",
    "DELETE /limits/fleet": "/limits/fleet",

    "DELETE /clear-rows/families/{family}/tables/{table}": "/clear-rows/families/shop/tables/item",
    "DELETE /clear-rows/families/{family}": "/clear-rows/families/shop",
    "DELETE /families/{family}/tables/{table}": `/families/shop/tables/tab${own}`,
  };
  return new Map(
    Object.entries(samples).map(([operation, sample]) => [operation, toSample(operation, sample)]),
  );
}

function toSample(operation: string, sample: string | readonly [path: string, body: string]): Sample {
  const method = operation.slice(0, operation.indexOf(" "));
  return typeof sample === "string" ? { method, path: sample } : { method, path: sample[0], body: sample[1] };
}
