/** The loader, in a process of its own on Node, to an Executive that asks for its certificate (R44). */
import { describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { unwrap } from "../../../client/index.ts";
import { listen } from "../../../core/process/listen.ts";
import type { LoaderStatus } from "../../../loader/service/status/status.ts";
import { type CertificateFiles, makeCa } from "../../support/certificates.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { LoaderWorld } from "../../support/loader/loader-world.ts";
import { until } from "../../support/until.ts";

/** TLS in front of an Executive. */
function secured(executive: string, files: CertificateFiles & { readonly clientCaFile: string }) {
  const pass = async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const hasBody = method !== "GET" && method !== "HEAD";
    const body = hasBody ? { body: await request.bytes() } : {};
    return fetch(`${executive}${pathname}${search}`, { method, headers, ...body });
  };
  return listen("127.0.0.1:0", { fetch: pass, tls: files });
}

describe.skipIf(!hasKafka)("a loader that reaches its Executive over mutual TLS", () => {
  test("says why when it is not let in, and loads once its certificate is one of those", async () => {
    await using world = await LoaderWorld.start();
    const { folder, kafka, client } = world;
    const family = client.families({ family: "events" });
    unwrap(await family.post());
    const fields: [string, string][] = [["id", "integer"]];
    unwrap(await family.tables({ table: "orders" }).post({ fields, keyFields: ["id"] }));
    await kafka.createTopic("orders", 1);
    const [ca, strangers] = [makeCa(folder), makeCa(folder, "Strangers")];
    const server = ca.issue({ commonName: "server", hosts: ["127.0.0.1"] });
    const front = await secured(world.executive.url, { ...server, clientCaFile: ca.caFile });
    const pair = { certFile: folder.file("loader.pem"), keyFile: folder.file("loader.key") };
    const put = ({ certFile, keyFile }: CertificateFiles) => {
      copyFileSync(keyFile, pair.keyFile);
      copyFileSync(certFile, pair.certFile);
    };
    put(strangers.issue({ commonName: "loader", client: true }));
    const mapping = world.mapping({
      version: 1,
      tables: [{ topic: "orders", family: "events", table: "orders" }],
    });
    await using loader = await world.startLoader(mapping, [
      ...["--executive", front.url, "--executive-ca", ca.caFile],
      ...["--executive-cert", pair.certFile, "--executive-key", pair.keyFile],
    ]);
    await loader.process.waitForOutput(/Cannot reach the Executive: (it closed|the TLS handshake)/);
    const status = await (await fetch(`${await loader.url()}/status`)).text();
    expect(status).toContain("Cannot reach the Executive");
    put(ca.issue({ commonName: "loader", client: true }));
    const source = { db: "origin", table: "orders", snapshot: "false", ts_ms: 1 };
    const value = JSON.stringify({ before: null, after: { id: 1 }, op: "c", source });
    await kafka.produce([{ topic: "orders", partition: 0, key: '{"id":1}', value }]);
    const rows = async () => {
      const status = (await (await fetch(`${await loader.url()}/status`)).json()) as LoaderStatus;
      return Number(status.totals.rows);
    };
    await until(async () => (await rows()) === 1, { what: "the row", deadlineMs: 30_000 });
    expect(loader.process.stderr).not.toContain("PRIVATE KEY");
    await front.stop(true);
  }, 60_000);
});
