#!/usr/bin/env node
/**
 * Makes a fresh clone ready: `node scripts/setup.mjs start|test|deep`. Run by npm before `start`, `test`, `test:deep`.
 *
 * Needs Node and npm only. Each step looks first and does nothing when all is there.
 */
import { join } from "node:path";
import { setUpArm64 } from "./setup/arm64.mjs";
import { setUpBun } from "./setup/bun.mjs";
import { setUpCeph } from "./setup/ceph.mjs";
import { setUpCompiler, setUpMariadb, setUpOpenssl } from "./setup/debian-packages.mjs";
import { setUpGolang } from "./setup/golang.mjs";
import { setUpHostRoot } from "./setup/host-root.mjs";
import { setUpKafka } from "./setup/kafka.mjs";
import { setUpMysql9 } from "./setup/mysql9.mjs";
import { setUpPackages } from "./setup/packages.mjs";
import { setUpPromtool } from "./setup/prometheus.mjs";
import { ROOT, run, SetupError } from "./setup/run.mjs";

/** The runtimes that the reader is tested on besides Bun. */
function setUpRuntimes() {
  const installer = join(ROOT, "scripts", "runtimes", "install.mjs");
  run(process.execPath, [installer]);
}

const STEPS = {
  start: [setUpPackages, setUpBun],
  test: [
    setUpPackages,
    setUpBun,
    setUpMariadb,
    setUpOpenssl,
    setUpCompiler,
    setUpRuntimes,
    setUpKafka,
    setUpCeph,
    setUpPromtool,
  ],
  deep: [
    setUpPackages,
    setUpBun,
    setUpMariadb,
    setUpOpenssl,
    setUpCompiler,
    setUpRuntimes,
    setUpKafka,
    setUpCeph,
    setUpPromtool,
    setUpMysql9,
    setUpGolang,
    setUpHostRoot,
    setUpArm64,
  ],
};

const purpose = process.argv[2] ?? "start";
const steps = STEPS[purpose];
if (steps === undefined) {
  process.stderr.write(
    `setup: unknown purpose "${purpose}"; it must be one of ${Object.keys(STEPS).join(", ")}\n`,
  );
  process.exit(2);
}
try {
  for (const step of steps) step();
} catch (error) {
  process.stderr.write(`setup: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}
