/** A machine with nothing on it, to run binaries in. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { runProcess } from "./process.ts";
import { tempFolder } from "./temp-folder.ts";

/** The libraries that the binaries are linked with: those of glibc, and its loader. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  x64: [
    "/lib64/ld-linux-x86-64.so.2",
    ...["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"].map(
      (name) => `/lib/x86_64-linux-gnu/${name}`,
    ),
  ],
};

/** False where a bare machine cannot be made: it takes Linux for x64 and the right to mount. */
export const hasBareRoot =
  process.platform === "linux" &&
  process.arch in LIBRARIES &&
  spawnSync("unshare", ["--mount", "mount", "-t", "proc", "proc", "/proc"]).status === 0;

export interface BareRoot extends Disposable {
  readonly path: string;
  /** Command line that runs a program of the root inside it, without any environment, as on a machine of its own. */
  command(...args: readonly string[]): string[];
  /** The same with an environment, and nothing else in it. */
  commandWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): string[];
}

/** A root file system with glibc, /proc, an empty /tmp, the given programs at its top, and nothing else. */
export async function bareRoot(programs: readonly string[]): Promise<BareRoot> {
  const root = tempFolder("bare");
  for (const name of ["proc", "tmp"]) mkdirSync(root.file(name));
  for (const library of LIBRARIES[process.arch] ?? []) {
    const folder = dirname(join(root.path, library));
    mkdirSync(folder, { recursive: true });
    await copy([library], folder);
  }
  await copy(programs, root.path);
  const commandWith: BareRoot["commandWith"] = (environment, ...args) => {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    // /proc is mounted in a namespace of its own, which ends with the program.
    const script = 'mount -t proc proc "$0/proc" && exec env -i "$@"';
    const inside = [...variables, "/usr/sbin/chroot", root.path, ...args];
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, root.path, ...inside];
  };
  return {
    path: root.path,
    command: (...args) => commandWith({}, ...args),
    commandWith,
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}

/** Follows links, and keeps what may be executed so. */
async function copy(files: readonly string[], folder: string): Promise<void> {
  const { code, stderr } = await runProcess(["cp", "--dereference", "--reflink=auto", ...files, folder]);
  if (code !== 0) throw new Error(`cannot fill the bare root: ${stderr}`);
}
