/**
 * The socket between a front and the server behind it, in a folder that only its owner may enter: whoever could connect
 * to it would get past TLS. Folders of processes that were killed are removed by the next one.
 */
import { lstatSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CtlstoreError, quote } from "../../errors.ts";
import { fitsSocketPath } from "./address.ts";
import { isListenedOn } from "./unix-socket.ts";

export interface InnerSocket {
  readonly path: string;
  remove(): void;
}

const PREFIX = "ctlstore-http-";
const FOLDER = /^ctlstore-http-(\d+)-/;
const SOCKET = "http";

/** @throws CtlstoreError `config_invalid` */
export async function makeInnerSocket(folder = tmpdir()): Promise<InnerSocket> {
  await removeDead(folder);
  const own = mkdtempSync(join(folder, `${PREFIX}${process.pid}-`)); // of mode 0700
  const path = join(own, SOCKET);
  const remove = () => rmSync(own, { recursive: true, force: true });
  if (fitsSocketPath(path)) return { path, remove };
  remove();
  throw new CtlstoreError(
    "config_invalid",
    `Cannot make a socket in ${quote(folder)}: the path is too long`,
    {
      hint: "set TMPDIR to a shorter one",
    },
  );
}

async function removeDead(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // A process of another container may share this folder, and not our numbers.
    if (await isListenedOn(join(folder, name, SOCKET))) continue;
    removeOurs(join(folder, name));
  }
}

/**
 * Only what we may have left, file by file: in a folder that is open to all, others may make one of such a name, and while
 * a whole tree was being removed they could put links in it to what is not theirs.
 */
function removeOurs(path: string): void {
  try {
    const there = lstatSync(path);
    if (!there.isDirectory() || there.uid !== process.getuid?.()) return;
    rmSync(join(path, SOCKET), { force: true });
    rmdirSync(path);
  } catch {
    // Something else is in it, or another process was faster.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
