/** The SDK's client for one store, with limits in time: without them a black hole would be waited for without end. */
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Location } from "../store-url.ts";
import type { S3Credentials, S3Limits } from "./settings.ts";

export interface S3Clients extends Disposable {
  /** Repeats what failed for reasons of the network: for all that may be done twice. */
  readonly repeating: S3Client;
  /** Tries once: a conditional write that is repeated unseen would be refused because of itself. */
  readonly single: S3Client;
}

export function createS3Clients(
  location: S3Location,
  options: { readonly limits: S3Limits; readonly credentials?: S3Credentials },
): S3Clients {
  const config = configOf(location, options.limits);
  const credentials = options.credentials === undefined ? {} : { credentials: options.credentials };
  const repeating = new S3Client({ ...config, ...credentials, maxAttempts: options.limits.attempts });
  // What was found by the one is not looked for again by the other.
  const shared = { credentials: repeating.config.credentials };
  const single = new S3Client({ ...config, ...shared, maxAttempts: 1 });
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
  const { endpoint, region, pathStyle, checksums } = location;
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
    },
  };
}
