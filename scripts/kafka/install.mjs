/**
 * Makes the Kafka client usable by the Node that runs this: an addon in C++ whose package has no binary in it.
 *
 * Its own download of a binary is tried first; where that cannot be had, it is built from the package's sources, in two
 * minutes or more. What was made is kept under .cache/kafka, so that node_modules can be made anew at no cost.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { setUpBun } from "../setup/bun.mjs";
import { installMissing } from "../setup/debian-packages.mjs";
import { outputOf, ROOT, run, SetupError, say } from "../setup/run.mjs";

const NAME = "@confluentinc/kafka-javascript";
const PACKAGE = join(ROOT, "node_modules", ...NAME.split("/"));
const CACHE = join(ROOT, ".cache", "kafka");
const ADDON = "confluent-kafka-javascript.node";
/** Where nothing answers, not even "no", the building must not wait for it. */
const DOWNLOAD_LIMIT_MS = 20_000;
const BUILD_LIMIT_MS = 20 * 60_000;

/** True when a program of this Node can load the client. */
export function kafkaClientLoads() {
  return outputOf(process.execPath, ["-e", `require(${JSON.stringify(NAME)})`]) !== null;
}

/**
 * Does nothing when the client loads already.
 * @throws SetupError when it can neither be fetched nor built here
 */
export function installKafkaClient() {
  if (kafkaClientLoads()) {
    if (!existsSync(keptFolder())) keep(join(PACKAGE, "build"));
    return;
  }
  fetchPackage();
  if (useKept()) return;
  if (download()) {
    keep(join(PACKAGE, "build"));
    return;
  }
  build();
  if (!useKept()) throw new SetupError("the Kafka client was built and does not load");
}

/** npm leaves an optional package out when its install script fails, which this one does without its download. */
function fetchPackage() {
  if (existsSync(join(PACKAGE, "package.json"))) return;
  say("fetching the Kafka client, which npm has left out");
  run("npm", ["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--no-audit", "--no-fund"]);
  setUpBun(); // its binary was in node_modules, which is new
  if (!existsSync(join(PACKAGE, "package.json"))) throw new SetupError(`npm does not install ${NAME}`);
}

/** What is kept fits one version on one kind of Node and machine. */
function keptFolder() {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  return join(CACHE, `${version}-${process.platform}-${process.arch}-abi${process.versions.modules}`);
}

function useKept() {
  const kept = keptFolder();
  if (!existsSync(kept)) return false;
  rmSync(join(PACKAGE, "build"), { recursive: true, force: true });
  cpSync(kept, join(PACKAGE, "build"), { recursive: true, verbatimSymlinks: true });
  return kafkaClientLoads();
}

/** Keeps what is needed at run time of a folder that the build left: the addon, and the libraries that it looks for beside it. */
function keep(folder) {
  const work = `${keptFolder()}.${process.pid}`;
  const copy = (from, wanted) => {
    if (!existsSync(join(folder, from))) return;
    mkdirSync(join(work, from), { recursive: true });
    for (const name of readdirSync(join(folder, from)).filter(wanted)) {
      cpSync(join(folder, from, name), join(work, from, name), { verbatimSymlinks: true });
    }
  };
  copy("Release", (name) => name === ADDON);
  copy("deps", (name) => /\.(so|dylib)(\.|$)/.test(name));
  rmSync(keptFolder(), { recursive: true, force: true });
  renameSync(work, keptFolder());
}

/** The package's own way: a binary from its makers' site, for common systems. */
function download() {
  const installer = join(ROOT, "node_modules", "@mapbox", "node-pre-gyp", "bin", "node-pre-gyp");
  if (!existsSync(installer)) return false;
  say("looking for a binary of the Kafka client");
  const { status } = spawnSync(process.execPath, [installer, "install"], {
    cwd: PACKAGE,
    stdio: "ignore",
    timeout: DOWNLOAD_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  return status === 0 && kafkaClientLoads();
}

function build() {
  installMissing({
    programs: ["g++", "make", "python3"],
    files: ["openssl/ssl.h", "zlib.h", "sasl/sasl.h", "zstd.h", "curl/curl.h"].map((name) => [
      join("/usr/include", name),
      // Debian puts some of them into a folder for the processor.
      join("/usr/include", debianTriplet(), name),
    ]),
    packages: [
      ...["g++", "make", "python3", "libssl-dev", "zlib1g-dev"],
      ...["libsasl2-dev", "libzstd-dev", "libcurl4-openssl-dev"],
    ],
    purpose: "tests of the loader, whose Kafka client is built from source",
  });
  say("building the Kafka client (about two minutes)");
  // In a copy: a build that is interrupted leaves nothing half-made where the package is.
  const work = join(CACHE, `building-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  try {
    cpSync(PACKAGE, work, { recursive: true, verbatimSymlinks: true });
    runGyp(work);
    keep(join(work, "build"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function runGyp(folder) {
  const logPath = join(CACHE, "build.log");
  const log = openSync(logPath, "w");
  // Never in parallel: its makefiles do not wait for the library that the addon is linked to.
  const result = spawnSync(process.execPath, [nodeGyp(), "rebuild", ...nodeFolder()], {
    cwd: folder,
    env: { ...process.env, CKJS_LINKING: "dynamic", JOBS: "1", MAKEFLAGS: "" },
    stdio: ["ignore", log, log],
    timeout: BUILD_LIMIT_MS,
  });
  closeSync(log);
  if (result.status !== 0) {
    throw new SetupError(`the Kafka client cannot be built here: see ${relative(ROOT, logPath)}`);
  }
}

function debianTriplet() {
  return process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
}

/** npm's own copy of node-gyp. */
function nodeGyp() {
  const { npm_execpath: npm } = process.env;
  const homes = [
    // npm runs us: `…/npm/bin/npm-cli.js`
    ...(npm === undefined ? [] : [dirname(dirname(npm))]),
    join(dirname(dirname(process.execPath)), "lib", "node_modules", "npm"),
    join(outputOf("npm", ["root", "--global"]) ?? "", "npm"),
  ];
  const path = homes
    .map((home) => join(home, "node_modules", "node-gyp", "bin", "node-gyp.js"))
    .find((one) => existsSync(one));
  if (path === undefined) throw new SetupError("npm's copy of node-gyp is not where it should be");
  return path;
}

/** Where Node's own headers are; without them node-gyp fetches some. */
function nodeFolder() {
  const home = dirname(dirname(process.execPath));
  return existsSync(join(home, "include", "node", "node.h")) ? [`--nodedir=${home}`] : [];
}
