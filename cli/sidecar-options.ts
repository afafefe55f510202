/** Options of a sidecar, and what they mean to it. */
import { SIDECAR_LIMITS } from "../core/limits.ts";
import { fitsSocketPath } from "../core/process/listen/address.ts";
import type { SidecarOptions } from "../sidecar/options.ts";
import { listOption, type OptionValues, option } from "./options.ts";
import { bindAddressOrSocket, integer, text } from "./parsers.ts";
import { ldbOption } from "./shared-options.ts";
import { TRANSPORT_OPTIONS, transportOf } from "./transport-options.ts";

export const DEFAULT_SIDECAR_PORT = 1331;
const DEFAULT_BIND = `127.0.0.1:${DEFAULT_SIDECAR_PORT}`;

export const SIDECAR_OPTIONS = {
  ldb: ldbOption,
  bind: listOption({
    flag: "bind",
    placeholder: "HOST:PORT",
    help: `where to listen, or unix:PATH; port 0 is any free one. ${DEFAULT_BIND} unless this or --socket is given`,
    parse: bindAddressOrSocket,
  }),
  socket: option({
    flag: "socket",
    placeholder: "PATH",
    help: "a unix socket to listen on, beside --bind; its owner and its group may connect",
    parse: socketPath,
    fallback: undefined,
  }),
  maxRows: option({
    flag: "max-rows",
    placeholder: "N",
    help: "most rows of an answer to the beginning of a key; more are answered 416",
    parse: integer({ min: 1, max: SIDECAR_LIMITS.prefixRows }),
    fallback: SIDECAR_LIMITS.prefixRows,
  }),
  ...TRANSPORT_OPTIONS,
};

function socketPath(value: string): string {
  if (!fitsSocketPath(text(value)) || value.includes("\0"))
    throw new Error("it must be a path of at most 107 bytes");
  return value;
}

/** @throws CtlstoreError `config_invalid` when a file of TLS lacks another */
export function sidecarOptionsOf(values: OptionValues<typeof SIDECAR_OPTIONS>): SidecarOptions {
  const { ldb, bind, socket, maxRows } = values;
  const { requestMs, ...transport } = transportOf(values);
  const sockets = socket === undefined ? [] : [`unix:${socket}`];
  const binds = bind.length + sockets.length === 0 ? [DEFAULT_BIND] : [...bind, ...sockets];
  return { ldb, binds, maxRows, ...transport, limits: { requestMs } };
}
