/**
 * A store in S3, or in a server that speaks its protocol: `s3://BUCKET/PREFIX`.
 *
 * Conditions are S3's own (If-None-Match, If-Match), judged by the server in one step with the write. A version is an
 * ETag. Time limits are the client's for answers and `watchBody`'s for what follows them.
 */
import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
} from "@aws-sdk/client-s3";
import { quote } from "../../../core/errors.ts";
import { S3_LIMITS, STORE_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";
import { checkKey, checkPrefix } from "../keys.ts";
import { replaced, runOperation, tooLarge } from "../outcomes.ts";
import type {
  ObjectReader,
  ReadRange,
  SnapshotStore,
  StoredDocument,
  StoredObject,
  UploadOptions,
  WriteOptions,
} from "../store.ts";
import type { S3Location } from "../store-url.ts";
import { watchBody } from "./body.ts";
import { createS3Clients, type S3Clients } from "./client.ts";
import { writeUnderCondition } from "./conditional-write.ts";
import { isBeyondEnd, isMissingKey, isUnmetCondition, s3Error } from "./errors.ts";
import { type ListingScope, listObjects, listUploads } from "./listing.ts";
import type { S3Deps, S3Limits } from "./settings.ts";
import { uploadInParts } from "./upload.ts";

export function openS3Store(location: S3Location, deps: S3Deps): SnapshotStore {
  const limits: S3Limits = { ...S3_LIMITS, ...deps.limits };
  const { credentials } = deps;
  const clients = createS3Clients(location, {
    limits,
    ...(credentials === undefined ? {} : { credentials }),
  });
  return new S3Store(location, { clock: deps.clock, limits, clients });
}

class S3Store implements SnapshotStore {
  readonly url: string;
  readonly #location: S3Location;
  readonly #clients: S3Clients;
  readonly #limits: S3Limits;
  readonly #clock: Clock;

  constructor(
    location: S3Location,
    deps: { readonly clock: Clock; readonly limits: S3Limits; readonly clients: S3Clients },
  ) {
    this.url = location.url;
    this.#location = location;
    this.#clients = deps.clients;
    this.#limits = deps.limits;
    this.#clock = deps.clock;
  }

  readDocument(key: string, signal: AbortSignal): Promise<StoredDocument | null> {
    return this.#run(`read ${quote(key)}`, signal, async () => {
      const answer = await this.#get(this.#place(key), signal, {});
      if (answer === null) return null;
      const { version, totalBytes, body } = this.#bodyOf(key, answer, signal);
      if (totalBytes > STORE_LIMITS.documentBytes) {
        (answer.Body as Readable).destroy();
        throw tooLarge(key, this.url, totalBytes);
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return { bytes: new Uint8Array(Buffer.concat(chunks)), version };
    });
  }

  writeDocument(key: string, bytes: Uint8Array, options: WriteOptions): Promise<string> {
    return this.#run(`write ${quote(key)}`, options.signal, async () => {
      const place = this.#place(key);
      if (bytes.length > STORE_LIMITS.documentBytes) throw tooLarge(key, this.url, bytes.length);
      const deps = {
        store: this,
        client: this.#clients.single,
        clock: this.#clock,
        limits: this.#limits,
        // Servers that know none of the newer checksums compare ETags without their quotes.
        quotedTags: this.#location.checksums === "supported",
      };
      return await writeUnderCondition({ key, place, bytes, options }, deps);
    });
  }

  uploadFile(key: string, path: string, options: UploadOptions): Promise<void> {
    return this.#run(`copy ${quote(path)} to ${quote(key)}`, options.signal, async () => {
      const client = this.#clients.repeating;
      await uploadInParts(path, { client, place: this.#place(key), limits: this.#limits }, options);
    });
  }

  readObject(key: string, range: ReadRange): Promise<ObjectReader | null> {
    const { fromByte, version, signal } = range;
    return this.#run(`read ${quote(key)}`, signal, async () => {
      const place = this.#place(key);
      const conditions = {
        ...(fromByte === 0 ? {} : { Range: `bytes=${fromByte}-` }),
        ...(version === undefined ? {} : { IfMatch: version }),
      };
      try {
        const answer = await this.#get(place, signal, conditions);
        return answer === null ? null : this.#bodyOf(key, answer, signal, fromByte);
      } catch (error) {
        if (isBeyondEnd(error)) return await this.#atEnd(key, range);
        if (version !== undefined && isUnmetCondition(error)) throw replaced(key, this.url);
        throw error;
      }
    });
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject> {
    const scope = { ...this.#scope(), prefix: this.#below(checkPrefix(prefix)) };
    try {
      for await (const { Key = "", Size = 0, LastModified } of listObjects(scope, signal)) {
        const key = Key.slice(this.#below("").length);
        yield { key, bytes: Size, modifiedAtMs: LastModified?.getTime() ?? 0 };
      }
    } catch (error) {
      signal.throwIfAborted();
      throw s3Error(`list ${quote(prefix)} in ${this.url}`, error);
    }
  }

  remove(keys: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#run(`remove ${keys.length} objects`, signal, async () => {
      const places = keys.map((key) => ({ Key: this.#place(key).Key }));
      for (let start = 0; start < places.length; start += this.#limits.keysPerRequest) {
        const Objects = places.slice(start, start + this.#limits.keysPerRequest);
        const command = new DeleteObjectsCommand({
          Bucket: this.#location.bucket,
          Delete: { Objects, Quiet: true },
        });
        const { Errors = [] } = await this.#clients.repeating.send(command, { abortSignal: signal });
        const [first] = Errors.filter(({ Code }) => Code !== "NoSuchKey");
        if (first !== undefined) throw Object.assign(new Error(first.Message), { Code: first.Code });
      }
    });
  }

  removeUnfinished(olderThanMs: number, signal: AbortSignal): Promise<number> {
    const before = this.#clock.nowUs() / 1000 - olderThanMs;
    return this.#run("remove what unfinished uploads left", signal, async () => {
      let removed = 0;
      for await (const { Key, UploadId, Initiated } of listUploads(this.#scope(), signal)) {
        if (Initiated === undefined || Initiated.getTime() > before) continue;
        const command = new AbortMultipartUploadCommand({ Bucket: this.#location.bucket, Key, UploadId });
        await this.#clients.repeating.send(command, { abortSignal: signal }).catch((error: unknown) => {
          if (!(error instanceof Error && error.name === "NoSuchUpload")) throw error; // it ended meanwhile
        });
        removed += 1;
      }
      return removed;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients[Symbol.dispose]();
  }

  /** All that is below the store's prefix. */
  #scope(): ListingScope {
    const { keysPerRequest } = this.#limits;
    const client = this.#clients.repeating;
    return { client, bucket: this.#location.bucket, prefix: this.#below(""), keysPerRequest };
  }

  #below(key: string): string {
    const { prefix } = this.#location;
    return prefix === "" ? key : `${prefix}/${key}`;
  }

  #place(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#location.bucket, Key: this.#below(checkKey(key)) };
  }

  #run<T>(action: string, signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    return runOperation(signal, operation, (error) => s3Error(`${action} in ${this.url}`, error));
  }

  /** Null when there is no such object. */
  async #get(
    place: { readonly Bucket: string; readonly Key: string },
    signal: AbortSignal,
    conditions: { readonly Range?: string; readonly IfMatch?: string },
  ): Promise<GetObjectCommandOutput | null> {
    try {
      const command = new GetObjectCommand({ ...place, ...conditions });
      return await this.#clients.repeating.send(command, { abortSignal: signal });
    } catch (error) {
      if (isMissingKey(error)) return null;
      throw error;
    }
  }

  #bodyOf(key: string, answer: GetObjectCommandOutput, signal: AbortSignal, fromByte = 0): ObjectReader {
    const { ETag = "", ContentLength = 0, ContentRange } = answer;
    // In Bun and Node the SDK gives a Readable; the type also names what browsers get.
    const stream = answer.Body as Readable;
    if (fromByte > 0 && !ContentRange?.startsWith(`bytes ${fromByte}-`)) {
      stream.destroy();
      throw new Error(`the server answered a request from byte ${fromByte} on with ${quote(ContentRange)}`);
    }
    const body = watchBody(stream, {
      expectedBytes: ContentLength,
      stallMs: this.#limits.stallMs,
      signal,
      what: `${quote(key)} of ${this.url}`,
    });
    return { version: ETag, totalBytes: fromByte + ContentLength, body };
  }

  /** Nothing is left to read at the end of an object; beyond it, it is not the one that was read before. */
  async #atEnd(key: string, { fromByte, version, signal }: ReadRange): Promise<ObjectReader> {
    const command = new HeadObjectCommand(this.#place(key));
    const answer = await this.#clients.repeating.send(command, { abortSignal: signal });
    const { ETag = "", ContentLength = 0 } = answer;
    const isOther = version !== undefined && version !== ETag;
    if (isOther || fromByte !== ContentLength) throw replaced(key, this.url);
    return { version: ETag, totalBytes: ContentLength, body: nothing() };
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
