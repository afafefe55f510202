/** What an S3 store is told: credentials and limits. No import of the SDK, so that whoever names these stays small. */
import type { Clock } from "../../../core/process/clock.ts";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The fields of `S3_LIMITS` (core/limits.ts), where each has its reason. */
export interface S3Limits {
  readonly connectMs: number;
  readonly answerMs: number;
  readonly stallMs: number;
  readonly slowestUploadBytesPerSecond: number;
  readonly credentialsMs: number;
  readonly cleanUpMs: number;
  readonly parts: { readonly bytes: number; readonly atOnce: number; readonly most: number };
  readonly attempts: number;
  readonly conditionalAttempts: number;
  readonly conditionalBackoffMs: { readonly base: number; readonly max: number };
  readonly keysPerRequest: number;
}

export interface S3Deps {
  readonly clock: Clock;
  readonly credentials?: S3Credentials;
  readonly limits?: Partial<S3Limits>;
}
