/**
 * The credentials that the SDK finds by itself, within a time.
 *
 * It asks metadata services of the host, container or cluster, and waits for one that does not answer without end; what
 * it then waits for, all that come later wait for too.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Limits } from "./settings.ts";

export type CredentialsProvider = S3Client["config"]["credentials"];

/** @param create makes a provider that has not begun to look yet */
export function limitedCredentials(
  create: () => CredentialsProvider,
  { credentialsMs }: Pick<S3Limits, "credentialsMs">,
): CredentialsProvider {
  let provider = create();
  return async (properties) => {
    const asked = provider;
    const tooLate = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      if (provider === asked) provider = create();
      const error = new Error(`nobody has answered for ${credentialsMs} ms who was asked for credentials`);
      tooLate.reject(Object.assign(error, { name: "CredentialsProviderError" }));
    }, credentialsMs);
    try {
      return await Promise.race([asked(properties), tooLate.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
