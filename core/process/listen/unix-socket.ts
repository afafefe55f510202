/**
 * The file of a unix socket: taken over from a dead process, left to a living one, removed at the end.
 *
 * A socket's file outlives its process. Nothing but a connection tells whether somebody listens on it.
 */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { CtlstoreError, quote } from "../../errors.ts";
import { SOCKET_MODE } from "./private-bind.ts";

const HINT = "Choose another path with --bind unix:PATH, or remove what is there.";

/**
 * Makes way for a socket at `path`.
 * @throws CtlstoreError `config_invalid` when somebody listens there (its cause has the code EADDRINUSE), or when what is
 *   there is no socket
 */
export async function clearSocketPath(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw unusable(path, "there is something else of that name");
  if (await isListenedOn(path)) throw inUse(path);
  // Not one that somebody has put there meanwhile.
  if (inodeOf(path) === there.ino) unlinkSync(path);
}

/** What `listen` has just made belongs to owner and group. @returns what removes it, unless it is another's by then */
export function adoptSocket(path: string): () => void {
  chmodSync(path, SOCKET_MODE);
  const own = inodeOf(path);
  return () => {
    if (own !== undefined && inodeOf(path) === own) unlinkSync(path);
  };
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** A socket whose rights do not let us connect counts as one with a listener. */
export function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      resolve(!["ECONNREFUSED", "ENOENT"].includes(error.code ?? ""));
    });
  });
}

function inUse(path: string): CtlstoreError {
  const cause = Object.assign(new Error("address in use"), { code: "EADDRINUSE" });
  return new CtlstoreError("config_invalid", `Cannot listen on ${quote(path)}: another process does`, {
    cause,
    hint: HINT,
  });
}

function unusable(path: string, state: string): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot listen on ${quote(path)}: ${state}`, { hint: HINT });
}
