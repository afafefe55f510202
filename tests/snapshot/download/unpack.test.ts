/** What the disk says while a snapshot is unpacked is heard, also when it says so in the middle and only once. */
import { expect, spyOn, test } from "bun:test";
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { zstdCompressSync } from "node:zlib";
import { BOOTSTRAP_LIMITS } from "../../../core/limits.ts";
import { toSequence } from "../../../core/sequence.ts";
import { unpack } from "../../../snapshot/download/unpack.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function prototypeOfFileHandles(path: string): Promise<FileHandle> {
  await using handle = await open(path, "w");
  return Object.getPrototypeOf(handle) as FileHandle;
}

test("R13 bytes that the disk could not write are an error, although its last fsync works", async () => {
  using folder = tempFolder();
  const plain = Buffer.alloc(BOOTSTRAP_LIMITS.syncEveryBytes + 1024 * 1024);
  const compressed = zstdCompressSync(plain);
  const expected = {
    sequence: toSequence(1),
    plain: { bytes: plain.length, sha256: sha256(plain) },
    compressed: { bytes: compressed.length, sha256: sha256(compressed), algorithm: "zstd" as const },
  };
  const failure = Object.assign(new Error("EIO: i/o error, fdatasync"), {
    code: "EIO",
    syscall: "fdatasync",
  });
  const handles = await prototypeOfFileHandles(folder.file("other"));
  const datasync = spyOn(handles, "datasync").mockRejectedValue(failure);
  try {
    const signal = new AbortController().signal;
    const unpacking = unpack(once(compressed), folder.file("plain.db"), { expected, signal });
    await expect(unpacking).rejects.toBe(failure);
    expect(datasync).toHaveBeenCalledTimes(1);
  } finally {
    datasync.mockRestore();
  }
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
