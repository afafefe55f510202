/** The SDK's client for one store, with limits in time: without them a black hole would be waited for without end. */
import { readFileSync } from "node:fs";
import { createSecureContext, rootCertificates } from "node:tls";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { CtlstoreError, messageOf } from "../../../core/errors.ts";
import type { S3Location } from "../store-url.ts";
import { limitedCredentials } from "./credentials.ts";
import type { S3Credentials, S3Limits } from "./settings.ts";

export interface S3Clients extends Disposable {
  /** Repeats what failed for reasons of the network: for all that may be done twice. */
  readonly repeating: S3Client;
  /** Tries once: a conditional write that is repeated unseen would be refused because of itself. */
  readonly single: S3Client;
}

/** @throws CtlstoreError `config_invalid` when the URL's file of authorities is of no use */
export function createS3Clients(
  location: S3Location,
  options: { readonly limits: S3Limits; readonly credentials?: S3Credentials },
): S3Clients {
  const { limits } = options;
  const config = configOf(location, limits);
  // What was found for the one is not looked for again for the other.
  const credentials =
    options.credentials ?? limitedCredentials(() => new S3Client(config).config.credentials, limits);
  const repeating = stoppable(new S3Client({ ...config, credentials, maxAttempts: limits.attempts }));
  const single = stoppable(new S3Client({ ...config, credentials, maxAttempts: 1 }));
  return {
    repeating,
    single,
    [Symbol.dispose]() {
      repeating.destroy();
      single.destroy();
    },
  };
}

function configOf(location: S3Location, limits: S3Limits): S3ClientConfig {
  const { endpoint, region, pathStyle, checksums, caFile } = location;
  const when = checksums === "required" ? "WHEN_REQUIRED" : "WHEN_SUPPORTED";
  return {
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
    forcePathStyle: pathStyle,
    requestChecksumCalculation: when,
    responseChecksumValidation: when,
    requestHandler: {
      connectionTimeout: limits.connectMs,
      requestTimeout: limits.answerMs,
      throwOnRequestTimeout: true,
      ...(caFile === null ? {} : { httpsAgent: { ca: trustedBeside(caFile) } }),
    },
  };
}

/** The runtime's own authorities stay: the SDK asks AWS for credentials by the same way. */
function trustedBeside(caFile: string): string[] {
  try {
    const ca = readFileSync(caFile, "utf8");
    createSecureContext({ ca });
    return [...rootCertificates, ca];
  } catch (cause) {
    throw new CtlstoreError("config_invalid", `Cannot use ${caFile} for TLS to S3: ${messageOf(cause)}`, {
      cause,
      hint: "tls-ca= must name a file of certificates in PEM",
    });
  }
}

/** The SDK asks its signal only once it has credentials: this one ends with the signal whatever it waits for. */
function stoppable(client: S3Client): S3Client {
  const send = client.send.bind(client) as (command: unknown, options?: unknown) => Promise<unknown>;
  const stoppableSend = async (command: unknown, options: { readonly abortSignal?: AbortSignal } = {}) => {
    const { abortSignal } = options;
    if (abortSignal === undefined) return send(command, options);
    abortSignal.throwIfAborted();
    const stopped = Promise.withResolvers<never>();
    const stop = () => stopped.reject(abortSignal.reason);
    abortSignal.addEventListener("abort", stop, { once: true });
    try {
      return await Promise.race([send(command, options), stopped.promise]);
    } finally {
      abortSignal.removeEventListener("abort", stop);
    }
  };
  // All calls of ours and of the library for uploads are of this form.
  client.send = stoppableSend as S3Client["send"];
  return client;
}
