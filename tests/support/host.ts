/**
 * A host of its own: a minimal Debian with systemd as its first process, in namespaces of this machine, on its network.
 *
 * Each host begins with the same root file system (scripts/setup/host-root.mjs, deep suite) and keeps its changes in a
 * layer that is thrown away.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ProcessExit, runProcess, startProcess, type TestProcess } from "./process.ts";
import { ROOT } from "./services.ts";
import { type TempFolder, tempFolder } from "./temp-folder.ts";
import { until } from "./until.ts";

const HOST_FOLDER = join(ROOT, ".cache", "host");

/** False where there is no such root; `node scripts/setup.mjs deep` makes it. */
export const hasHost = existsSync(join(HOST_FOLDER, "complete")) && process.getuid?.() === 0;

const BOOT_DEADLINE_MS = 60_000;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * systemd-nspawn refuses a /run that is on a disk, and wants a place of its own among the control groups; where systemd
 * does not run this machine, there is none to give it one.
 */
const BOOT_SCRIPT = `
  set -e
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/changes,workdir=$2/work" "$2/root"
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /run
  mkdir /run/systemd
  for tree in systemd unified; do
    if [ -w /sys/fs/cgroup/$tree/cgroup.procs ]; then
      mkdir -p /sys/fs/cgroup/$tree/$3
      echo $$ > /sys/fs/cgroup/$tree/$3/cgroup.procs
    fi
  done
  exec systemd-nspawn --quiet --directory="$2/root" --machine="$3" --register=no --keep-unit --boot --console=read-only
`;
const REMOVE_GROUPS = 'find /sys/fs/cgroup/*/"$1" -depth -type d -exec rmdir {} + 2>/dev/null';

export interface HostRun extends ProcessExit {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Host extends AsyncDisposable {
  /** What was written to its console. */
  readonly console: string;
  /** Where a path of the host is for this machine. */
  file(path: string): string;
  /** Runs a command on it as root, to its end. */
  run(...command: readonly string[]): Promise<HostRun>;
  /** As \`run\`, with a failure as an error; gives what it printed. */
  must(...command: readonly string[]): Promise<string>;
  start(...command: readonly string[]): TestProcess;
}

/** Boots a host; about three seconds. */
export async function startHost(): Promise<Host> {
  const folder = tempFolder("host");
  for (const name of ["changes", "work", "root"]) mkdirSync(folder.file(name));
  const name = folder.path.split("/").at(-1) ?? "";
  const lower = join(HOST_FOLDER, "root");
  const boot = ["sh", "-c", BOOT_SCRIPT, "sh", lower, folder.path, name];
  // systemd-nspawn does not take its host along when it is killed; the end of a pid namespace does.
  const space = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
  const machine = startProcess([...space, ...boot]);
  try {
    const first = await firstProcess(machine);
    const host = hostOf(machine, folder, first);
    const answers = async () =>
      /running|degraded/.test((await host.run("systemctl", "is-system-running")).stdout);
    await until(answers, { what: `systemd to be up; ${machine.stderr}`, deadlineMs: BOOT_DEADLINE_MS });
    return host;
  } catch (error) {
    await remove(machine, folder);
    throw new Error(`cannot boot a host: ${machine.stdout}${machine.stderr}`, { cause: error });
  }
}

/** The process id, here, of the host's first process: what systemd-nspawn, which `unshare` started, has started. */
function firstProcess(machine: TestProcess): Promise<number> {
  const find = () => {
    if (!machine.running) throw new Error(`it ended: ${machine.stdout}${machine.stderr}`);
    const [nspawn] = childrenOf(machine.pid);
    const [child] = nspawn === undefined ? [] : childrenOf(nspawn);
    if (child === undefined) return null;
    return readFileSync(`/proc/${child}/comm`, "utf8").trim() === "systemd" ? child : null;
  };
  return until(find, { what: "systemd to be started", deadlineMs: BOOT_DEADLINE_MS });
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function hostOf(machine: TestProcess, folder: TempFolder, first: number): Host {
  const enter = [
    "nsenter",
    "--target",
    String(first),
    "--mount",
    "--pid",
    "--uts",
    "--ipc",
    "--root",
    "--wd",
  ];
  const inside = (command: readonly string[]) => [
    ...enter,
    "env",
    "-i",
    `PATH=${PATH}`,
    "HOME=/root",
    ...command,
  ];
  const run = (...command: readonly string[]) => runProcess(inside(command));
  return {
    get console() {
      return machine.stdout;
    },
    file: (path) => join("/proc", String(first), "root", path),
    run,
    async must(...command) {
      const { code, stdout, stderr } = await run(...command);
      if (code !== 0) throw new Error(`${command.join(" ")} failed on the host:\n${stdout}${stderr}`);
      return stdout;
    },
    start: (...command) => startProcess(inside(command)),
    [Symbol.asyncDispose]: () => remove(machine, folder),
  };
}

async function remove(machine: TestProcess, folder: TempFolder): Promise<void> {
  await machine.kill();
  const name = folder.path.split("/").at(-1) ?? "";
  const isEmpty = () => spawnSync("sh", ["-c", REMOVE_GROUPS, "sh", name]).status === 0 || !hasGroups(name);
  await until(isEmpty, { what: "the host's processes to end" }).catch(() => {}); // left to the next boot
  folder[Symbol.dispose]();
}

function hasGroups(name: string): boolean {
  return ["systemd", "unified"].some((tree) => existsSync(join("/sys/fs/cgroup", tree, name)));
}
