/**
 * Which credentials each route asks for: the one table of access.
 *
 * The front door keeps it, and the OpenAPI document says it. A route that is not here needs `admin`, so that a new one is
 * closed from its first day (D22).
 */
import type { Permission } from "../../core/roles.ts";

/** Nobody is asked, a writer with its secret, or an operator whose role has the permission. */
export type Access = "open" | "writer" | Permission;

/** By method and pattern. */
const ROUTE_ACCESS: Readonly<Record<string, Access>> = {
  // These tell nothing of what is stored, but for the names of large tables in the metrics.
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /metrics": "open",
  "GET /openapi": "open",
  "GET /openapi/json": "open",

  "GET /cookie": "writer",
  "POST /cookie": "writer",
  "POST /families/:family/mutations": "writer",

  "GET /status": "read",
  "GET /whoami": "read",
  "GET /families": "read",
  "GET /families/:family/tables": "read",
  "GET /families/:family/tables/:table/rows": "read",
  "GET /families/:family/tables/:table/row": "read",
  "GET /families/:family/tables/:table/history": "read",
  "GET /ledger": "read",
  "GET /families/:family/tables/:table/readers": "read",
  "GET /schema/table/:family/:table": "read",
  "GET /schema/family/:family": "read",
  "GET /writers": "read",
  "GET /writers/:writer": "read",
  "GET /limits/tables": "read",
  "GET /limits/writers": "read",
  "GET /limits/fleet": "read",
  "GET /limits/usage": "read",
  "GET /limits/sizes": "read",

  "POST /writers/:writer": "register",

  "POST /families/:family": "schema",
  "POST /families/:family/tables/:table": "schema",
  "PUT /families/:family/tables/:table": "schema",
  "POST /tables": "schema",
  "PUT /families/:family/tables/:table/readers/:reader": "schema",
  "DELETE /families/:family/tables/:table/readers/:reader": "schema",
};

/** The listed routes, such as `GET /families/:family/tables`. */
export const LISTED_ROUTES: readonly string[] = Object.keys(ROUTE_ACCESS);

/** @param pattern as the route was registered */
export function accessOf(method: string, pattern: string): Access {
  const route = `${method} ${pattern}`;
  return Object.hasOwn(ROUTE_ACCESS, route) ? (ROUTE_ACCESS[route] ?? "admin") : "admin";
}
