/** Messages to systemd's socket: real datagrams on real sockets. */
import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { silentLogger } from "../../../core/process/logger.ts";
import { openNotifySocket, programSender } from "../../../reflector/readiness/sd-notify.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { receiveNotifications } from "./notify-receiver.ts";
import { recordingLogger } from "./recording-logger.ts";

describe("the notification socket", () => {
  test.each([
    ["a path", (folder: string) => `${folder}/notify`],
    ["a path with a space and a letter beyond ASCII", (folder: string) => `${folder}/nötify here`],
    ["an abstract name", () => `@ctlstore-test-${randomUUID()}`],
  ])("gets whole messages when it is %s", async (_, nameIn) => {
    using folder = tempFolder();
    const socket = nameIn(folder.path);
    await using receiver = await receiveNotifications(socket);
    const notify = await openNotifySocket(socket, silentLogger);
    expect(notify("READY=1\nSTATUS=42 % – ready")).toBeTrue();
    expect(notify(`STATUS=${"x".repeat(2_000)}`)).toBeTrue();
    await until(() => receiver.messages().length === 2, { what: "two messages" });
    expect(receiver.messages()).toEqual(["READY=1\nSTATUS=42 % – ready", `STATUS=${"x".repeat(2_000)}`]);
  });

  test("costs a warning and nothing else when nobody listens, and works when somebody does again", async () => {
    using folder = tempFolder();
    const socket = folder.file("notify");
    const { logger, lines } = recordingLogger();
    const notify = await openNotifySocket(socket, logger);
    for (let i = 0; i < 3; i++) expect(notify("READY=1")).toBeFalse();
    expect(lines.map(({ level }) => level)).toEqual(["warn"]);
    await using receiver = await receiveNotifications(socket);
    expect(notify("READY=1")).toBeTrue();
    await receiver.waitFor("READY=1");
    expect(lines.map(({ level }) => level)).toEqual(["warn", "info"]);
  });

  test("does not block when nobody reads from it", async () => {
    using folder = tempFolder();
    const socket = folder.file("notify");
    await using receiver = await receiveNotifications(socket);
    const notify = await openNotifySocket(socket, silentLogger);
    receiver.signal("SIGSTOP");
    let sent = 0;
    while (notify("STATUS=again") && sent < 10_000) sent += 1;
    expect(sent).toBeLessThan(10_000);
    receiver.signal("SIGCONT");
    await until(() => notify("READY=1"), { what: "room in the socket" });
  });

  test("leaves no descriptor open", async () => {
    using folder = tempFolder();
    const notify = await openNotifySocket(folder.file("nobody"), silentLogger);
    const openFiles = () => new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false });
    notify("READY=1");
    const before = [...openFiles()].length;
    for (let i = 0; i < 100; i++) notify("READY=1");
    expect([...openFiles()].length).toBeLessThan(before + 50);
  });

  test.each(["vsock:2:1234", "relative/path", "@", `/${"x".repeat(108)}`])(
    "is not used, and says so, when its name is %p",
    async (socket) => {
      const { logger, lines } = recordingLogger();
      const notify = await openNotifySocket(socket, logger);
      expect(notify("READY=1")).toBeFalse();
      expect(lines[0]?.message).toContain("NOTIFY_SOCKET cannot be used");
    },
  );
});

describe("systemd-notify, where libc cannot be called,", () => {
  test("gets each line as an argument, and the socket in its environment", async () => {
    using folder = tempFolder();
    const program = folder.file("systemd-notify");
    writeFileSync(program, `#!/bin/sh\nprintf '%s|' "$NOTIFY_SOCKET" "$@" > ${folder.file("told")}\n`);
    chmodSync(program, 0o755);
    expect(programSender("/run/some/socket", program)("READY=1\nSTATUS=all well")).toBeTrue();
    const told = await until(() => readFileSync(folder.file("told"), "utf8"), { what: "the program to run" });
    expect(told).toBe("/run/some/socket|READY=1|STATUS=all well|");
  });

  test("harms nobody when it is not installed", async () => {
    expect(programSender("/run/some/socket", "/nonexistent/systemd-notify")("READY=1")).toBeTrue();
    await new Promise((resolve) => setImmediate(resolve));
  });
});
