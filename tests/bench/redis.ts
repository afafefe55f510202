/** A Redis server of the benchmark's own, from packages that are unpacked under .cache/ when it is first asked for. */
import { join } from "node:path";
import { runProcess, startProcess } from "../support/process.ts";
import type { TempFolder } from "../support/temp-folder.ts";

const HOME = join(import.meta.dir, "..", "..");
const ROOT = join(HOME, ".cache", "redis");
const LIBRARIES = join(ROOT, "usr", "lib", "x86_64-linux-gnu");

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly socket: string;
  readonly version: string;
}

/** Null where it cannot be had, with the reason said. It keeps everything in memory and writes nothing. */
export async function startRedis(
  folder: TempFolder,
  { port, progress }: { readonly port: number; readonly progress: (text: string) => void },
): Promise<RedisServer | null> {
  const setUp = await runProcess(["node", join(HOME, "scripts", "setup", "redis.mjs")]);
  if (setUp.code !== 0) {
    progress(`without Redis: ${setUp.stderr.trim()}`);
    return null;
  }
  const socket = folder.file("redis.sock");
  const server = startProcess([
    // Through the loader and the libraries that came with it, whatever the machine's own are.
    ...[join(LIBRARIES, "ld-linux-x86-64.so.2"), "--library-path", LIBRARIES],
    join(ROOT, "usr", "bin", "redis-server"),
    ...["--port", String(port), "--bind", "127.0.0.1", "--unixsocket", socket],
    ...["--save", "", "--appendonly", "no", "--dir", folder.path],
  ]);
  const [, version = ""] = await server.waitForOutput(/Redis version=([\d.]+)/);
  await server.waitForOutput(/ready to accept connections (?:at|unix)/i);
  return { port, socket, version, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
