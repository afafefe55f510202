/**
 * File systems of tests: a read-only view of a folder, a small one, and one that can lose its power.
 *
 * All need the right to mount, which root has; where it is missing the tests that need one are skipped with a reason.
 */
import { runProcess } from "./process.ts";

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
