/** The folders of sockets behind fronts: private, and not left behind for ever. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { makeInnerSocket } from "../../../core/process/listen/inner-socket.ts";
import { runProcess } from "../../support/process.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("the socket behind a front is in a folder for its owner alone, which goes with it", async () => {
  using folder = tempFolder("inner");
  const inner = await makeInnerSocket(folder.path);
  expect(statSync(dirname(inner.path)).mode & 0o777).toBe(0o700);
  inner.remove();
  expect(existsSync(dirname(inner.path))).toBe(false);
});

test("folders of dead processes are removed, those of living ones and of others kept, when a socket is made", async () => {
  using folder = tempFolder("inner");
  const ended = await runProcess(["sh", "-c", "echo $$"]);
  const dead = Number(ended.stdout);
  const make = (name: string, file = "http") => {
    mkdirSync(folder.file(name));
    writeFileSync(folder.file(name, file), "");
    return folder.file(name);
  };
  const gone = make(`ctlstore-http-${dead}-aaaaaa`);
  const foreign = make(`ctlstore-http-${dead}-cccccc`, "other");
  const linked = folder.file(`ctlstore-http-${dead}-dddddd`);
  symlinkSync(foreign, linked);
  const alive = make(`ctlstore-http-${process.pid}-aaaaaa`);
  const other = make(`ctlstore-something-${dead}-aaaaaa`);
  const listened = make(`ctlstore-http-${dead}-bbbbbb`, "other");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ path: `${listened}/http` }, resolve));
  const inner = await makeInnerSocket(folder.path);
  expect(existsSync(gone)).toBe(false);
  expect([alive, other, listened, foreign, linked].map(existsSync)).toEqual([true, true, true, true, true]);
  expect(existsSync(`${foreign}/other`)).toBe(true);
  inner.remove();
  server.close();
});

test("a folder whose path is too long for a socket is a wrong configuration", async () => {
  using folder = tempFolder("inner");
  const deep = folder.file("x".repeat(100));
  mkdirSync(deep);
  await expect(makeInnerSocket(deep)).rejects.toMatchObject({ code: "config_invalid" });
});
