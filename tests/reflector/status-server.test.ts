/** The Reflector's HTTP face. */
import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { REFLECTOR_METRICS } from "../../reflector/metrics.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { reflect } from "./harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "./memory-ledger.ts";

describe("the status server", () => {
  test("answers status, health, readiness and metrics when the LDB is current", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    await using reflector = await reflect(ledger, folder.path, { bind: "127.0.0.1:0" });
    await reflector.reaches("current");
    const status = await (await fetch(`${reflector.url}/status`)).json();
    expect(status).toMatchObject({
      state: "current",
      reason: null,
      sequence: 2,
      epoch: ledger.epoch,
      skips: [],
    });
    expect(typeof status.lagSeconds).toBe("number");
    expect(status.ldb.path).toEndWith("/ldb.db");
    expect(await (await fetch(`${reflector.url}/readyz`)).json()).toMatchObject({ ready: true });
    const metrics = await (await fetch(`${reflector.url}/metrics`)).text();
    expect(metrics).toContain('ctlstore_reflector_state{state="current"} 1');
    expect(metrics).toContain("ctlstore_reflector_sequence 2");
    expect(metrics).toContain("ctlstore_reflector_statements_total 2");
  });

  test("has every metric at zero when nothing has happened yet", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.failure = ctldbAway();
    await using reflector = await reflect(ledger, folder.path, { bind: "127.0.0.1:0" });
    const metrics = await (await fetch(`${reflector.url}/metrics`)).text();
    for (const name of Object.values(REFLECTOR_METRICS)) expect(metrics).toContain(`# TYPE ${name} `);
    expect(metrics).toContain("ctlstore_reflector_statements_total 0");
  });

  test("answers in the error form when the route or the method is not one of its", async () => {
    using folder = tempFolder();
    await using reflector = await reflect(new MemoryLedger(), folder.path, { bind: "[::1]:0" });
    const unknown = await fetch(`${reflector.url}/nothing`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { code: "unknown_route" } });
    const post = await fetch(`${reflector.url}/status`, { method: "POST" });
    expect(post.status).toBe(405);
    expect(await post.json()).toMatchObject({ error: { code: "method_not_allowed" } });
  });

  test("answers health checks that name no host, as those of HTTP/1.0", async () => {
    using folder = tempFolder();
    await using reflector = await reflect(new MemoryLedger(), folder.path, { bind: "127.0.0.1:0" });
    const port = Number(new URL(reflector.url ?? "").port);
    const answers: ReadonlyArray<readonly [string, string]> = [
      ["/healthz", " 200 "],
      ["/nothing", " 404 "],
      ["//", " 404 "],
    ];
    for (const [path, status] of answers) {
      const { promise, resolve } = Promise.withResolvers<string>();
      const socket = connect(port, "127.0.0.1").once("data", (data) => resolve(data.toString("latin1")));
      socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
      expect((await promise).split("\r\n")[0]).toContain(status);
      socket.destroy();
    }
  });

  test.each(["nonsense", "127.0.0.1:99999", "256.1.1.1:0"])(
    "refuses to start, and lets go of the LDB, when it is to listen on %p",
    async (bind) => {
      using folder = tempFolder();
      await expect(reflect(new MemoryLedger(), folder.path, { bind })).rejects.toMatchObject({
        code: "config_invalid",
      });
      await using _reflector = await reflect(new MemoryLedger(), folder.path);
    },
  );

  test("R21 answers within a moment while one huge ledger transaction is applied", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T);
    ledger.appendTransaction(...Array.from({ length: 100_000 }, (_, i) => put(i, "x".repeat(60))));
    await using reflector = await reflect(ledger, folder.path, { bind: "127.0.0.1:0" });
    let slowestMs = 0;
    let answers = 0;
    while (reflector.status().sequence < ledger.head) {
      const asked = performance.now();
      expect((await fetch(`${reflector.url}/healthz`)).status).toBe(200);
      slowestMs = Math.max(slowestMs, performance.now() - asked);
      answers += 1;
    }
    console.log(`R21: ${answers} answers meanwhile, the slowest after ${slowestMs.toFixed(1)} ms`);
    expect(answers).toBeGreaterThan(10);
    expect(slowestMs).toBeLessThan(500);
  });
});
