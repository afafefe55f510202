/** Hosts as the world sees them: real Reflectors, a real notification socket, a ready file, and ECS' protocol. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { binaryOf } from "../../support/binaries.ts";
import { runProcess } from "../../support/process.ts";
import { ctlstore } from "../../support/services.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { startEcsServer } from "./ecs-server.ts";
import { makeCtldb, startHost } from "./host.ts";
import { receiveNotifications } from "./notify-receiver.ts";

/** Nobody listens there. */
const AWAY = "mysql://nobody:nothing@127.0.0.1:1/ctldb";

describe("a host", () => {
  test("is marked ready only once it has caught up, and no more when it stops", async () => {
    using folder = tempFolder();
    const ctldb = folder.file("ctldb.db");
    const readyFile = folder.file("run", "ready");
    await using systemd = await receiveNotifications(folder.file("notify"));
    await using host = await startHost({
      ctldb: `sqlite:${ctldb}`,
      ldb: folder.file("ldb"),
      flags: ["--ready-file", readyFile],
      env: { NOTIFY_SOCKET: folder.file("notify") },
    });
    await systemd.waitFor(/^STATUS=not ready: stuck at sequence 0 \(ctldb_unavailable\)$/);
    await systemd.waitFor(/^EXTEND_TIMEOUT_USEC=\d+$/);
    expect(await host.readyz()).toMatchObject({
      status: 503,
      body: { ready: false, healthy: false, lagSeconds: null, reason: { code: "ctldb_unavailable" } },
    });
    expect(existsSync(readyFile)).toBeFalse();
    expect(systemd.lines()).not.toContain("READY=1");

    await makeCtldb(ctldb);
    await systemd.waitFor("READY=1");
    await systemd.waitFor(/^STATUS=current, sequence \d+$/);
    expect(await host.readyz()).toMatchObject({
      status: 200,
      body: { ready: true, healthy: true, state: "current", reason: null },
    });
    const { sequence, readiness } = await (await fetch(`${host.url}/status`)).json();
    expect(readiness).toMatchObject({ ready: true, healthy: true });
    expect(JSON.parse(readFileSync(readyFile, "utf8"))).toMatchObject({ pid: host.process.pid, sequence });
    const metrics = await (await fetch(`${host.url}/metrics`)).text();
    expect(metrics).toContain("ctlstore_reflector_ready 1");
    expect(metrics).toContain("ctlstore_reflector_healthy 1");

    host.process.signal("SIGTERM");
    expect(await host.process.exited).toEqual({ code: 0, signal: null });
    await systemd.waitFor("STOPPING=1");
    expect(existsSync(readyFile)).toBeFalse();
    expect(systemd.lines().filter((line) => line === "READY=1").length).toBe(1);
  });

  test("D20 that was killed and comes back while the ctldb is away is ready again after the grace period", async () => {
    using folder = tempFolder();
    const ldb = folder.file("ldb");
    const readyFile = folder.file("ready");
    await makeCtldb(folder.file("ctldb.db"));
    const flags = ["--ready-file", readyFile, "--ready-lag-seconds", "1"];
    {
      await using host = await startHost({ ctldb: `sqlite:${folder.file("ctldb.db")}`, ldb, flags });
      await host.isReady();
      await host.process.kill();
    }
    const killedAt = performance.now();
    expect(existsSync(readyFile)).toBeTrue(); // nobody was there to remove it
    await until(() => performance.now() - killedAt > 1_100, {
      what: "the data to be older than the threshold",
    });
    const patient = [...flags, "--ready-without-ctldb-seconds", "86400"];
    {
      await using host = await startHost({ ctldb: AWAY, ldb, flags: patient });
      expect(existsSync(readyFile)).toBeFalse();
      expect((await host.readyz()).status).toBe(503);
    }
    await using host = await startHost({
      ctldb: AWAY,
      ldb,
      flags: [...flags, "--ready-without-ctldb-seconds", "1"],
    });
    expect(await host.isReady()).toMatchObject({
      healthy: false,
      state: "stuck",
      reason: { code: "ctldb_unavailable" },
    });
    expect(existsSync(readyFile)).toBeTrue();
  });

  test("is healthy in ECS once it is ready, and does not wait for ECS when it stops", async () => {
    using folder = tempFolder();
    const ctldb = folder.file("ctldb.db");
    await using ecs = startEcsServer();
    ecs.answerNext("throttled");
    await using host = await startHost({
      ctldb: `sqlite:${ctldb}`,
      ldb: folder.file("ldb"),
      flags: ["--ecs-status", "--ecs-agent-url", ecs.agentUrl],
      env: {
        AWS_ENDPOINT_URL_ECS: ecs.url,
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_REGION: "eu-north-1",
      },
    });
    await until(() => ecs.attribute === "unhealthy", { what: "ECS to have it as unhealthy" });
    ecs.answerNext("failing", "ok", "silent");
    await makeCtldb(ctldb);
    await until(() => ecs.attribute === "healthy", { what: "ECS to have it as healthy" });
    expect(ecs.requests.map(({ value }) => value)).toEqual(["unhealthy", "unhealthy", "healthy", "healthy"]);
    expect(ecs.requests[0]?.authorization).toContain("/eu-north-1/ecs/");
    host.process.signal("SIGTERM");
    expect((await host.process.exited).code).toBe(0);
    expect(ecs.attribute).toBe("healthy");
  });

  test("tells systemd and ECS also from the compiled binary", async () => {
    using folder = tempFolder();
    await makeCtldb(folder.file("ctldb.db"));
    await using systemd = await receiveNotifications(folder.file("notify"));
    await using ecs = startEcsServer();
    const { path } = await binaryOf("ctlstore-reflector");
    await using host = await startHost({
      binary: path,
      ctldb: `sqlite:${folder.file("ctldb.db")}`,
      ldb: folder.file("ldb"),
      flags: ["--ecs-status", "--ecs-agent-url", ecs.agentUrl],
      env: {
        NOTIFY_SOCKET: folder.file("notify"),
        AWS_ENDPOINT_URL_ECS: ecs.url,
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
      },
    });
    await systemd.waitFor("READY=1");
    await until(() => ecs.attribute === "healthy", { what: "ECS to have it as healthy" });
    expect(host.process.stderr).not.toContain("libc cannot be called");
    host.process.signal("SIGTERM");
    await systemd.waitFor("STOPPING=1");
  });

  test("R17 keeps its ready file when somebody tries to start a second Reflector on its folder", async () => {
    using folder = tempFolder();
    const readyFile = folder.file("ready");
    await makeCtldb(folder.file("ctldb.db"));
    const options = {
      ctldb: `sqlite:${folder.file("ctldb.db")}`,
      ldb: folder.file("ldb"),
      flags: ["--ready-file", readyFile],
    };
    await using host = await startHost(options);
    await host.isReady();
    const second = await runProcess(
      ctlstore("reflector", "--ctldb", options.ctldb, "--ldb", options.ldb, ...options.flags),
    );
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("ldb_locked");
    expect(existsSync(readyFile)).toBeTrue();
  });

  test("R20 feeds systemd's watchdog while it lives, and not while it is stopped", async () => {
    using folder = tempFolder();
    await makeCtldb(folder.file("ctldb.db"));
    await using systemd = await receiveNotifications(folder.file("notify"));
    await using host = await startHost({
      ctldb: `sqlite:${folder.file("ctldb.db")}`,
      ldb: folder.file("ldb"),
      env: { NOTIFY_SOCKET: folder.file("notify"), WATCHDOG_USEC: "200000" },
    });
    const fed = () => systemd.lines().filter((line) => line === "WATCHDOG=1").length;
    await until(() => fed() > 5, { what: "the watchdog to be fed" });
    host.process.signal("SIGSTOP");
    const stoppedAt = performance.now();
    let [count, sinceMs] = [fed(), stoppedAt];
    await until(
      () => {
        if (fed() !== count) [count, sinceMs] = [fed(), performance.now()];
        return performance.now() - sinceMs > 1_000;
      },
      { what: "a second without a sign of life" },
    );
    host.process.signal("SIGCONT");
    await until(() => fed() > count + 3, { what: "the watchdog to be fed again" });
  });

  test("refuses to start, naming the flag, when its ready file can never be there", async () => {
    using folder = tempFolder();
    const args = ["--ctldb", AWAY, "--ldb", folder.file("ldb"), "--ready-file", folder.path];
    const { code, stderr } = await runProcess(ctlstore("reflector", ...args));
    expect(code).toBe(2);
    expect(stderr).toContain("--ready-file");
  });
});
