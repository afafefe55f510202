/** `ctlstore/client`: writing to ctlstore from anything that has `fetch`. */
export { CtlstoreError, type ErrorCode, type ErrorDetails, isCtlstoreError } from "../core/errors.ts";
export type { CreateTableBody, MutationsBody, WireMutation } from "../core/wire/bodies.ts";
export { unwrap } from "./client-error.ts";
export { type Client, type ClientOptions, createClient, type FetchLike } from "./create-client.ts";
export type { FieldValue, WriterMutation } from "./encode.ts";
export { Writer } from "./writer.ts";
export type {
  WriteAllOptions,
  WriteAllProgress,
  WriteOptions,
  WriteOutcome,
  WriterOptions,
} from "./writer-options.ts";
