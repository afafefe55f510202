/**
 * Addresses to listen on, as an operator writes them: `host:port` or `unix:PATH`.
 *
 * Who may reach an address is judged from the text alone, before anything listens: what is not surely of this host only
 * counts as open to others. No imports: each start of the command line reads this.
 */

export interface TcpAddress {
  readonly kind: "tcp";
  readonly hostname: string;
  /** 0 stands for any free one. */
  readonly port: number;
}

export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

export type BindAddress = TcpAddress | UnixAddress;

const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/;
const LOOPBACK_QUAD = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const UNIX = "unix:";
/** What the kernel keeps a socket's path in, with the zero at its end. */
const SUN_PATH_BYTES = 108;

/** Takes `host:port` (IPv6 addresses in brackets) or `unix:PATH` apart; null when it is neither. */
export function parseBindAddress(text: string): BindAddress | null {
  if (text.startsWith(UNIX)) return unixAddress(text.slice(UNIX.length));
  const [, address, name, port] = HOST_AND_PORT.exec(text) ?? [];
  const hostname = address ?? name;
  if (hostname === undefined || Number(port) > 65_535) return null;
  return { kind: "tcp", hostname, port: Number(port) };
}

function unixAddress(path: string): UnixAddress | null {
  const isUsable = path !== "" && !path.includes("\0") && fitsSocketPath(path);
  return isUsable ? { kind: "unix", path } : null;
}

/** Longer paths are cut by some, and refused by others. */
export function fitsSocketPath(path: string): boolean {
  return Buffer.byteLength(path) < SUN_PATH_BYTES;
}

/**
 * True when nothing outside of this host can connect to `bind`: a loopback address or a unix socket, whose file's rights
 * say who may. What cannot be told, such as the name of a host, counts as open to others.
 */
export function isLoopbackBind(bind: string): boolean {
  const address = parseBindAddress(bind);
  if (address === null) return false;
  return address.kind === "unix" || isLoopback(address.hostname.toLowerCase());
}

/** Written out only: `127.1` and `0x7f.0.0.1` are refused here, whatever a resolver may make of them. */
function isLoopback(hostname: string): boolean {
  if (hostname === "localhost" || /^(?:0{0,4}:){2,7}0{0,3}1$/.test(hostname)) return true;
  return LOOPBACK_QUAD.test(hostname.replace(/^::ffff:/, ""));
}

/** How a client names the address: a URL, or again `unix:PATH`. */
export function urlOf(address: BindAddress, scheme: "http" | "https"): string {
  if (address.kind === "unix") return `${UNIX}${address.path}`;
  const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
  return `${scheme}://${host}:${address.port}`;
}
