/**
 * `ctlstore/client/reach`: to an Executive over a unix socket, or with TLS of one's own making; on Bun and Node.
 *
 * @example
 * const way = reach("https://executive:3000", { caFile: "ca.pem", certFile: "me.pem", keyFile: "me.key" });
 * const client = createClient(way.url, { adminToken, ...way });
 * const writer = new Writer({ ...way, writer: "importer", secret, family: "shop" });
 */
export type { ClientFiles } from "../core/process/fetch/client-tls.ts";
export { type Reach, reach } from "../core/process/fetch/reach.ts";
