/** The compiled binaries, in a root with glibc and nothing else, without any environment: as on a host. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import rootPackage from "../../package.json" with { type: "json" };
import { compile } from "../../scripts/binaries/compile.ts";
import { ARTIFACTS, fileNameOf } from "../../scripts/binaries/programs.ts";
import { artifactsNamed } from "../../scripts/build-binaries.ts";
import { bareRoot, hasBareRoot } from "../support/bare-root.ts";
import { binaryOf, TEST_COMMIT } from "../support/binaries.ts";
import { runProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { ELF_MACHINES, headOf, machineOf } from "./elf.ts";

const PROGRAMS = ["ctlstore-reflector", "ctlstore"] as const;

describe.each(PROGRAMS)("the binary %s", (program) => {
  test.skipIf(!hasBareRoot)("says what it is and was built from, in a root with glibc alone", async () => {
    const { path } = await binaryOf(program);
    using root = await bareRoot([path]);
    const name = `/${path.split("/").at(-1)}`;
    const asJson = await runProcess(root.command(name, "--version", "--json"));
    expect({ code: asJson.code, answer: JSON.parse(asJson.stdout) }).toEqual({
      code: 0,
      answer: {
        version: rootPackage.version,
        commit: TEST_COMMIT,
        target: `linux-${process.arch}`,
        compiled: true,
        bun: Bun.version,
        sqlite: process.versions["sqlite"],
      },
    });
    const asText = await runProcess(root.command(name, "--version"));
    expect(asText.stdout).toStartWith(
      `${rootPackage.version} (commit ${TEST_COMMIT}, linux-${process.arch}, `,
    );
  });

  test.skipIf(!hasBareRoot)(
    "prints its help, and exits with 2 when a flag or the ctldb is wrong",
    async () => {
      const { path } = await binaryOf(program);
      using root = await bareRoot([path]);
      const run = (...args: string[]) => runProcess(root.command(`/${path.split("/").at(-1)}`, ...args));
      const command = program === "ctlstore" ? ["reflector"] : [];
      const help = await run(...command, "--help");
      expect({ code: help.code, stdout: help.stdout }).toEqual({
        code: 0,
        stdout: expect.stringContaining("CTLSTORE_CTLDB"),
      });
      expect(await run(...command, "--no-such-flag")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--no-such-flag"),
      });
      expect(await run(...command, "--ctldb", "ftp://nowhere")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--ctldb"),
      });
    },
  );

  test.skipIf(!hasBareRoot)("takes no settings from a file that lies where it is started", async () => {
    const { path } = await binaryOf(program);
    using root = await bareRoot([path]);
    await Bun.write(join(root.path, ".env"), "CTLSTORE_CTLDB=sqlite:/of-the-file.db\n");
    const command = program === "ctlstore" ? ["reflector"] : [];
    const { code, stderr } = await runProcess(root.command(`/${path.split("/").at(-1)}`, ...command));
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("--ctldb") });
  });

  test("is for this machine and asks for a glibc of 2014 or older", async () => {
    const { path } = await binaryOf(program);
    const head = headOf(path, 32 * 2 ** 20);
    expect(machineOf(head)).toBe(process.arch === "arm64" ? ELF_MACHINES.arm64 : ELF_MACHINES.x64);
    const versions = [...head.toString("latin1").matchAll(/\0GLIBC_2\.(\d+)(?=[.\d]*\0)/g)];
    expect(versions.length).toBeGreaterThan(0);
    expect(Math.max(...versions.map(([, minor]) => Number(minor)))).toBeLessThanOrEqual(17);
  });
});

test("the Reflector's binary has neither the Executive nor its packages inside", async () => {
  const { contents } = await binaryOf("ctlstore-reflector");
  expect(contents).toContain("reflector/start.ts");
  expect(contents).toContain("mysql2");
  expect(
    contents.filter((name) => /^(server\/|client\/|heartbeat\/|elysia$|@elysiajs|mime-db)/.test(name)),
  ).toEqual([]);
});

test("a build is refused when a program has inside what it must do without", async () => {
  using folder = tempFolder();
  const [artifact] = ARTIFACTS.filter((one) => one.architecture === process.arch);
  if (artifact === undefined) throw new Error("no binary is built for this machine");
  const strict = { ...artifact, program: { ...artifact.program, without: ["commander", "ldb/"] } };
  const failure = await compile(strict, { folder: folder.path, commit: "none", progress: () => {} }).then(
    () => "built",
    String,
  );
  expect(failure).toContain("must do without");
  expect(failure).toContain("commander");
  expect(failure).toContain("ldb/layout.ts");
  expect(await Array.fromAsync(new Bun.Glob("**").scan({ cwd: folder.path, dot: true }))).toEqual([]);
});

describe("npm run build", () => {
  const names = (...only: string[]) => artifactsNamed(only).map(fileNameOf);

  test.each([
    [[], ARTIFACTS.map(fileNameOf)],
    [["x64"], ["ctlstore-reflector-linux-x64", "ctlstore-linux-x64"]],
    [["ctlstore"], ["ctlstore-linux-x64", "ctlstore-linux-arm64"]],
    [["ctlstore-linux-arm64"], ["ctlstore-linux-arm64"]],
    [["arm64", "ctlstore-reflector"], ["ctlstore-reflector-linux-arm64"]],
  ])("builds what --only %j names", (only, wanted) => {
    expect(names(...only)).toEqual(wanted);
  });

  test("exits with 1 and names what there is when --only names nothing", async () => {
    const script = fileURLToPath(new URL("../../scripts/build-binaries.ts", import.meta.url));
    const { code, stderr } = await runProcess([process.execPath, script, "--only", "sparc"]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("ctlstore-linux-arm64") });
  });
});
