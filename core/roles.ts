/**
 * What operators may do: roles, and the permission that each route asks for.
 *
 * A role is a set of permissions. A route that nobody gave a permission needs `admin`, so that a new one is closed from
 * its first day (D22).
 */

/** What a route may ask for. */
export const PERMISSIONS = [
  "read", // look at schema, rows, limits, writers' names, status
  "register", // register a writer
  "schema", // create families and tables, add fields
  "admin", // everything else: secrets, grants, limits, operators, what destroys data, the audit trail
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What an operator's token is made with. */
export const ROLES = ["read", "loader", "schema", "admin"] as const;

export type Role = (typeof ROLES)[number];

const PERMISSIONS_OF: Readonly<Record<Role, readonly Permission[]>> = {
  read: ["read"],
  /** A loader registers the writers of its lanes, and lists rows to sweep what a snapshot no longer has. */
  loader: ["read", "register"],
  schema: ["read", "schema"],
  admin: PERMISSIONS,
};

export function isRole(text: unknown): text is Role {
  return ROLES.includes(text as Role);
}

export function roleAllows(role: Role, permission: Permission): boolean {
  return PERMISSIONS_OF[role].includes(permission);
}
