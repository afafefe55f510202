/** Binaries in a bucket, fetched by presigned URLs as hosts without the AWS CLI do. */
import { createHash } from "node:crypto";
import { S3_REGION, sharedS3Server } from "../support/s3-server.ts";

export interface Release {
  readonly binaryUrl: string;
  readonly sha256: string;
}

const URL_SECONDS = 3_600;

/** Puts the bytes into a bucket of their own. */
export async function release(bytes: Uint8Array<ArrayBuffer>): Promise<Release> {
  const server = await sharedS3Server();
  const { hostname: bucket } = new URL(await server.bucketUrl());
  const client = new Bun.S3Client({
    bucket,
    endpoint: server.endpoint,
    region: S3_REGION,
    accessKeyId: server.accessKeyId,
    secretAccessKey: server.secretAccessKey,
  });
  const name = "ctlstore-reflector";
  const put = await fetch(client.presign(name, { method: "PUT", expiresIn: URL_SECONDS }), {
    method: "PUT",
    body: bytes,
  });
  if (!put.ok) throw new Error(`cannot put the binary: ${put.status} ${await put.text()}`);
  return {
    binaryUrl: client.presign(name, { expiresIn: URL_SECONDS }),
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}
