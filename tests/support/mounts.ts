/**
 * File systems of tests: a read-only view of a folder, a small one, and one that can lose its power.
 *
 * All need the right to mount, which root has; where it is missing the tests that need one are skipped with a reason.
 */
import { dlopen } from "bun:ffi";
import { closeSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import { onTestsEnd } from "./cleanup.ts";
import { runProcess } from "./process.ts";
import { type TempFolder, tempFolder } from "./temp-folder.ts";

/** A command that sees `folder` read-only at `view`, as a container with a read-only volume does; nobody else does. */
export function withReadOnlyView(folder: string, view: string): string[] {
  const script = 'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && shift 2 && exec "$@"';
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", folder, view];
}

/** Why nothing can be mounted here, or null when it can. */
export async function whyNoMounts(): Promise<string | null> {
  const exit = await runProcess(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]).catch(
    () => null,
  );
  if (exit === null) return "there is no unshare";
  return exit.code === 0 ? null : `no right to mount: ${exit.stderr.trim()}`;
}

export interface MountedDisk extends Disposable {
  /** Where it is mounted. */
  readonly path: string;
}

export interface SmallDisk extends MountedDisk {
  resize(bytes: number): void;
}

/** A file system in memory of a fixed size: what does not fit fails with ENOSPC, as on a real disk. */
export function smallDisk(bytes: number): SmallDisk {
  const folder = tempFolder("small-disk");
  run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder.path);
  return {
    ...unmountedAtEnd(folder),
    resize: (size) => run("mount", "-o", `remount,size=${size}`, folder.path),
  };
}

export interface PowerDisk extends MountedDisk {
  /** Everything that was not yet written to the disk is gone; processes that use it must be stopped before. */
  cutPower(): void;
  /** The disk as it is found when the power is back; those who had it open must have ended. */
  restore(): void;
}

const DISK_BYTES = 64 * 1024 * 1024;
const EXT4_SHUTDOWN = 0x8004587d;
/** Without writing the journal first. */
const NO_LOG_FLUSH = 2;

/** An ext4 of its own in a file, whose power can be cut. */
export function powerDisk(): PowerDisk {
  const image = tempFolder("power-disk-image");
  let file = image.file("disk-0");
  writeFileSync(file, "");
  truncateSync(file, DISK_BYTES);
  run("mkfs.ext4", "-q", "-F", file);
  const folder = tempFolder("power-disk");
  const mount = () => run("mount", "-o", "loop", file, folder.path);
  let cuts = 0;
  mount();
  const mounted = unmountedAtEnd(folder);
  return {
    path: folder.path,
    cutPower: () => shutDown(folder.path),
    restore() {
      run("umount", folder.path);
      // Another mount namespace may keep the dead file system alive, which mounting the same file would find again.
      const before = file;
      cuts += 1;
      file = image.file(`disk-${cuts}`);
      run("cp", "--sparse=always", before, file);
      mount();
    },
    [Symbol.dispose]() {
      mounted[Symbol.dispose]();
      image[Symbol.dispose]();
    },
  };
}

/** Why no ext4 can be made in a file here, or null when it can. */
export async function whyNoPowerDisk(): Promise<string | null> {
  const why = await whyNoMounts();
  if (why !== null) return why;
  try {
    powerDisk()[Symbol.dispose]();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function shutDown(path: string): void {
  const { symbols, close } = dlopen("libc.so.6", { ioctl: { args: ["int", "u64", "ptr"], returns: "int" } });
  const descriptor = openSync(path, "r");
  try {
    const answer = symbols.ioctl(descriptor, EXT4_SHUTDOWN, new Uint32Array([NO_LOG_FLUSH]));
    if (answer !== 0) throw new Error(`cannot cut the power of ${path}`);
  } finally {
    closeSync(descriptor);
    close();
  }
}

/** Also at the end of a run that was cut short, before its folder is removed. */
function unmountedAtEnd(folder: TempFolder): MountedDisk {
  const unmount = () => run("umount", "--lazy", folder.path);
  const forget = onTestsEnd(unmount);
  return {
    path: folder.path,
    [Symbol.dispose]() {
      forget();
      unmount();
      folder[Symbol.dispose]();
    },
  };
}

function run(...command: string[]): void {
  const { success, stderr } = Bun.spawnSync(command);
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
}
