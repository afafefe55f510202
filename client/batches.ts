/** Cuts a stream of mutations into batches that the Executive takes. */
import type { WireMutation } from "../core/wire/bodies.ts";
import { encodeMutation, type WriterMutation } from "./encode.ts";

export interface BatchLimits {
  readonly mutations: number;
  readonly bytes: number;
}

/** Batches in order, each as large as the limits allow; a mutation that is too large by itself stands alone. */
export async function* batchesOf(
  mutations: Iterable<WriterMutation> | AsyncIterable<WriterMutation>,
  limits: BatchLimits,
): AsyncGenerator<readonly WireMutation[]> {
  const encoder = new TextEncoder();
  let batch: WireMutation[] = [];
  let bytes = 0;
  let index = 0;
  for await (const mutation of mutations) {
    const wire = encodeMutation(mutation, index++);
    const size = encoder.encode(JSON.stringify(wire)).length + 1;
    if (batch.length > 0 && (batch.length >= limits.mutations || bytes + size > limits.bytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(wire);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
