/** A listener with a certificate of its own authority, and clients to try it with. */

import { readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type Listener, type ListenOptions, listen } from "../../../core/process/listen.ts";
import { createMetrics, type Metrics } from "../../../core/process/metrics.ts";
import { recordingLogger } from "../../reflector/readiness/recording-logger.ts";
import { type CertificateAuthority, type CertificateFiles, makeCa } from "../../support/certificates.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";

export const HOSTS = ["localhost", "127.0.0.1"];

export interface TlsWorld extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly ca: CertificateAuthority;
  /** Of the server. */
  readonly files: CertificateFiles;
  readonly listener: Listener;
  readonly port: number;
  readonly metrics: Metrics;
  readonly logged: ReturnType<typeof recordingLogger>["lines"];
  /** A sample of the metrics. */
  metric(sample: string): Promise<number | null>;
  /** One request, on a connection of its own. */
  get(tls?: object, url?: string): Promise<string>;
  /** Replaces the server's files by a new certificate, and has it looked at. */
  rotate(commonName: string): void;
}

export interface TlsWorldOptions extends Partial<ListenOptions> {
  readonly clientCaFile?: (folder: TempFolder) => string;
  readonly notAfter?: Date;
  readonly bind?: string;
}

export async function openTlsWorld(options: TlsWorldOptions = {}): Promise<TlsWorld> {
  const { clientCaFile, notAfter, bind = "127.0.0.1:0", ...others } = options;
  const folder = tempFolder("listen");
  const ca = makeCa(folder);
  const issue = (commonName: string, end?: Date) =>
    ca.issue({ commonName, hosts: HOSTS, as: "server", ...(end === undefined ? {} : { notAfter: end }) });
  const files = issue("first", notAfter);
  const metrics = createMetrics();
  const { logger, lines } = recordingLogger();
  const tls = {
    ...files,
    ...(clientCaFile === undefined ? {} : { clientCaFile: clientCaFile(folder) }),
  };
  const fetchBody = async (request: Request) => new Response(await request.bytes());
  const listener = await listen(bind, { fetch: fetchBody, tls, logger, metrics, ...others });
  const port = bind.startsWith("unix:") ? 0 : Number(new URL(listener.url).port);
  return {
    ...{ folder, ca, files, listener, port, metrics, logged: lines },
    metric: (sample) => metricOf(metrics, sample),
    async get(given = {}, url = `${listener.url}/`) {
      const trusted = { ca: readFileSync(ca.caFile, "utf8"), ...given };
      const init = { tls: trusted, method: "POST", body: "ok", keepalive: false };
      return (await fetch(url, init)).text();
    },
    rotate: (commonName) => {
      issue(commonName);
      listener.reloadCertificates();
    },
    async [Symbol.asyncDispose]() {
      await listener.stop(true);
      folder[Symbol.dispose]();
    },
  };
}

export async function metricOf(metrics: Metrics, sample: string): Promise<number | null> {
  const line = (await metrics.render()).split("\n").find((one) => one.startsWith(`${sample} `));
  return line === undefined ? null : Number(line.slice(sample.length));
}

/** A TLS connection by hand. */
export function openTls(world: TlsWorld, options: object = {}): Promise<TLSSocket> {
  const ca = readFileSync(world.ca.caFile, "utf8");
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { host: "127.0.0.1", port: world.port, ca, servername: "localhost", ...options },
      () => resolve(socket),
    );
    socket.on("error", reject);
  });
}

/** The name of the certificate that the server shows to a new connection. */
export async function shownName(world: TlsWorld): Promise<string> {
  const socket = await openTls(world);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

/** A plain connection that collects what comes, and notes its end. */
export class RawConnection {
  received = "";
  isClosed = false;
  readonly socket: Socket;

  constructor(address: { readonly port: number } | { readonly path: string }) {
    this.socket = connectTcp("port" in address ? { host: "127.0.0.1", ...address } : address);
    this.socket.on("data", (data) => {
      this.received += data.toString("latin1");
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }
}
