/** S3's listings, page after page. */
import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type MultipartUpload,
  type S3Client,
  type _Object as S3Object,
} from "@aws-sdk/client-s3";

export interface ListingScope {
  readonly client: S3Client;
  readonly bucket: string;
  /** The beginning of the keys, the store's own prefix included. */
  readonly prefix: string;
  /** Keys in one answer. */
  readonly keysPerRequest: number;
}

export async function* listObjects(scope: ListingScope, signal: AbortSignal): AsyncGenerator<S3Object> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: scope.bucket,
      Prefix: scope.prefix,
      MaxKeys: scope.keysPerRequest,
      ContinuationToken: token,
    });
    const page: ListObjectsV2CommandOutput = await scope.client.send(command, { abortSignal: signal });
    yield* page.Contents ?? [];
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** Uploads in parts that are neither completed nor aborted. */
export async function* listUploads(
  scope: ListingScope,
  signal: AbortSignal,
): AsyncGenerator<MultipartUpload> {
  let key: string | undefined;
  let upload: string | undefined;
  do {
    const command = new ListMultipartUploadsCommand({
      Bucket: scope.bucket,
      Prefix: scope.prefix,
      MaxUploads: scope.keysPerRequest,
      KeyMarker: key,
      UploadIdMarker: upload,
    });
    const page: ListMultipartUploadsCommandOutput = await scope.client.send(command, { abortSignal: signal });
    yield* page.Uploads ?? [];
    key = page.IsTruncated === true ? page.NextKeyMarker : undefined;
    upload = page.NextUploadIdMarker;
  } while (key !== undefined);
}
