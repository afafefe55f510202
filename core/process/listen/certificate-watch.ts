/**
 * Keeps a server's certificate up to date: when its files change, new connections get the new one; open ones go on (R44).
 *
 * A change that cannot be used leaves the certificate that works in place. It is logged once, counted at each look, and
 * tried again until it can.
 */
import { CtlstoreError, messageOf, quote } from "../../errors.ts";
import { LISTEN_LIMITS } from "../../limits.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import { type Certificates, readCertificates, stateOf, type TlsFiles } from "./certificates.ts";
import type { ListenMeter } from "./listen-meter.ts";

export interface CertificateWatchDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: ListenMeter;
  readonly lookMs: number;
  /** Takes a certificate into use. May throw; then the one before stays. */
  readonly use: (certificates: Certificates) => void;
}

const DAY_MS = 86_400_000;

/** A server's certificate, and what keeps it up to date once the server is there. */
export interface OpenedCertificates {
  readonly certificates: Certificates;
  watch(deps: CertificateWatchDeps): CertificateWatch;
}

/** @throws CtlstoreError `config_invalid` when the files cannot be used */
export function openCertificates(files: TlsFiles): OpenedCertificates {
  // Before they are read: what changes from here on is seen.
  const state = stateOf(files);
  const certificates = readCertificates(files);
  return { certificates, watch: (deps) => new CertificateWatch(files, certificates, state, deps) };
}

export class CertificateWatch {
  readonly #files: TlsFiles;
  readonly #deps: CertificateWatchDeps;
  #current: Certificates;
  /** Of the files when they were read last. */
  #state: string;
  /** Why the files that are there now cannot be used. */
  #problem: string | null = null;
  #warnedAtMs = Number.NEGATIVE_INFINITY;
  readonly #timer: NodeJS.Timeout;

  /**
   * @param current in use already
   * @param state of the files before `current` was read from them
   */
  constructor(files: TlsFiles, current: Certificates, state: string, deps: CertificateWatchDeps) {
    this.#files = files;
    this.#deps = deps;
    this.#current = current;
    this.#state = state;
    deps.meter.certificateExpires(current.expiresAt);
    this.#warnWhenItEnds();
    this.#timer = setInterval(() => this.look(), deps.lookMs);
    this.#timer.unref();
  }

  /** Looks at the files now. */
  look(): void {
    const state = stateOf(this.#files);
    if (state !== this.#state || this.#problem !== null) this.#renew(state);
    this.#warnWhenItEnds();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #renew(state: string): void {
    const { logger, meter, use } = this.#deps;
    try {
      const next = readCertificates(this.#files);
      if (next.identity !== this.#current.identity) {
        this.#refuseExpired(next);
        use(next);
        this.#take(next);
      }
      this.#problem = null;
    } catch (error) {
      meter.certificateReload("failed");
      const problem = messageOf(error);
      if (problem !== this.#problem) {
        logger.error({ err: error }, "the new certificate cannot be used; the one before stays");
      }
      this.#problem = problem;
    }
    this.#state = state;
  }

  /** Somebody has put an old one back by mistake: while the one in use is valid, it is the better of the two. */
  #refuseExpired(next: Certificates): void {
    const nowMs = this.#deps.clock.nowUs() / 1000;
    if (next.expiresAt.getTime() > nowMs || this.#current.expiresAt.getTime() <= nowMs) return;
    throw new CtlstoreError(
      "config_invalid",
      `Cannot use ${quote(this.#files.certFile)} for TLS: it expired ${next.expiresAt.toISOString()}`,
    );
  }

  #take(next: Certificates): void {
    const { logger, meter } = this.#deps;
    this.#current = next;
    this.#warnedAtMs = Number.NEGATIVE_INFINITY;
    meter.certificateReload("ok");
    meter.certificateExpires(next.expiresAt);
    logger.info({ expiresAt: next.expiresAt.toISOString() }, "took a new certificate into use");
  }

  #warnWhenItEnds(): void {
    const { clock, logger } = this.#deps;
    const leftMs = this.#current.expiresAt.getTime() - clock.nowUs() / 1000;
    const isDue = clock.monotonicMs() - this.#warnedAtMs >= DAY_MS;
    if (leftMs > LISTEN_LIMITS.certificateWarnDays * DAY_MS || !isDue) return;
    this.#warnedAtMs = clock.monotonicMs();
    const fields = { expiresAt: this.#current.expiresAt.toISOString() };
    if (leftMs > 0) logger.warn(fields, "the certificate expires soon");
    else logger.error(fields, "the certificate has expired: clients refuse it");
  }
}
