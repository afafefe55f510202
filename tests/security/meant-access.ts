/**
 * What each operation is meant to ask for, written down apart from the Executive's own table of access: a slip there, or a
 * route that nobody thought about, fails the walk (D22).
 */
export const MEANT_ACCESS: Readonly<Record<string, string>> = {
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /metrics": "open",

  "GET /cookie": "writer",
  "POST /cookie": "writer",
  "POST /families/{family}/mutations": "writer",

  "GET /status": "read",
  "GET /whoami": "read",
  "GET /families": "read",
  "GET /families/{family}/tables": "read",
  "GET /families/{family}/tables/{table}/rows": "read",
  "GET /families/{family}/tables/{table}/row": "read",
  "GET /families/{family}/tables/{table}/history": "read",
  "GET /ledger": "read",
  "GET /families/{family}/tables/{table}/readers": "read",
  "GET /schema/table/{family}/{table}": "read",
  "GET /schema/family/{family}": "read",
  "GET /writers": "read",
  "GET /writers/{writer}": "read",
  "GET /limits/tables": "read",
  "GET /limits/writers": "read",
  "GET /limits/fleet": "read",
  "GET /limits/usage": "read",
  "GET /limits/sizes": "read",

  "POST /writers/{writer}": "register",

  "POST /families/{family}": "schema",
  "POST /families/{family}/tables/{table}": "schema",
  "PUT /families/{family}/tables/{table}": "schema",
  "POST /tables": "schema",
  "PUT /families/{family}/tables/{table}/readers/{reader}": "schema",
  "DELETE /families/{family}/tables/{table}/readers/{reader}": "schema",

  "DELETE /families/{family}/tables/{table}": "admin",
  "DELETE /clear-rows/families/{family}": "admin",
  "DELETE /clear-rows/families/{family}/tables/{table}": "admin",
  "DELETE /writers/{writer}": "admin",
  "POST /writers/{writer}/secret": "admin",
  "PUT /writers/{writer}/grants": "admin",
  "GET /operators": "admin",
  "POST /operators/{name}": "admin",
  "DELETE /operators/{name}": "admin",
  "GET /audit": "admin",
  "POST /limits/tables/{family}/{table}": "admin",
  "DELETE /limits/tables/{family}/{table}": "admin",
  "POST /limits/writers/{writer}": "admin",
  "DELETE /limits/writers/{writer}": "admin",
  "POST /limits/fleet": "admin",
  "DELETE /limits/fleet": "admin",
};
