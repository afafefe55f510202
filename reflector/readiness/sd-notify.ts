/**
 * Sends messages to systemd's notification socket (sd_notify).
 *
 * It is a Unix datagram socket, which neither Bun nor Node can open, so libc's own calls are made through bun:ffi; where
 * those cannot be had, `systemd-notify` is started for each message. Nothing here may harm the Reflector: a message that
 * cannot be sent is dropped, and sending never blocks.
 */
import { spawn } from "node:child_process";
import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/process/logger.ts";

/** Sends `NAME=value` lines; false when nobody got them. */
export type Notify = (message: string) => boolean;

/** Linux' numbers, the same on x86-64 and arm64. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` of Linux, the closing zero included. */
const PATH_BYTES = 108;

/** glibc's name, then the one that musl's loader knows. */
const LIBC_NAMES = ["libc.so.6", "libc.so"];

/** @param socket NOTIFY_SOCKET: an absolute path, or `@` and an abstract name */
export async function openNotifySocket(socket: string, logger: Logger): Promise<Notify> {
  const address = socketAddress(socket);
  if (address === null) {
    logger.warn({ socket }, "NOTIFY_SOCKET cannot be used: it is neither a path nor an abstract name");
    return () => false;
  }
  try {
    return reported(await libcSender(address), socket, logger);
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, "libc cannot be called: systemd-notify is started instead");
    return reported(programSender(socket), socket, logger);
  }
}

/** `struct sockaddr_un`; null when the name cannot be one. */
function socketAddress(socket: string): Uint8Array | null {
  const name = new TextEncoder().encode(socket);
  const isAbstract = socket.startsWith("@");
  if (!(isAbstract || socket.startsWith("/")) || name.length < 2 || name.length >= PATH_BYTES) return null;
  if (isAbstract) name[0] = 0;
  // The name of an abstract socket ends with the address, a path with a zero.
  const address = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}

/** @throws Error when libc cannot be loaded or called */
async function libcSender(address: Uint8Array): Promise<Notify> {
  const { ptr } = await import("bun:ffi");
  const { socket, sendto, close } = await loadLibc();
  return (message) => {
    const bytes = new TextEncoder().encode(message);
    // One for each message: systemd may have been replaced meanwhile, and there are few.
    const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const sent = sendto(descriptor, ptr(bytes), bytes.length, MSG_NOSIGNAL, ptr(address), address.length);
    close(descriptor);
    return Number(sent) === bytes.length;
  };
}

async function loadLibc() {
  const { dlopen } = await import("bun:ffi");
  const failures: unknown[] = [];
  for (const name of LIBC_NAMES) {
    try {
      return dlopen(name, {
        socket: { args: ["int", "int", "int"], returns: "int" },
        sendto: { args: ["int", "ptr", "usize", "int", "ptr", "u32"], returns: "i64" },
        close: { args: ["int"], returns: "int" },
      }).symbols;
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

/** The unit needs NotifyAccess=all for it, since the message comes from another process. */
export function programSender(socket: string, program = "systemd-notify"): Notify {
  return (message) => {
    const child = spawn(program, message.split("\n"), {
      env: { ...process.env, NOTIFY_SOCKET: socket },
      stdio: "ignore",
    });
    child.on("error", () => {}); // not installed: then nobody is told
    child.unref();
    return true;
  };
}

/** Says once that nobody listens, and once that somebody does again. */
function reported(send: Notify, socket: string, logger: Logger): Notify {
  let failing = false;
  return (message) => {
    const sent = trySend(send, message);
    if (!sent && !failing) logger.warn({ socket }, "service manager cannot be told");
    if (sent && failing) logger.info({ socket }, "service manager can be told again");
    failing = !sent;
    return sent;
  };
}

function trySend(send: Notify, message: string): boolean {
  try {
    return send(message);
  } catch {
    return false;
  }
}
