/** A store in S3 when the network, the server or the credentials fail. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { inspect } from "node:util";
import { type CtlstoreError, isCtlstoreError } from "../../../core/errors.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import type { S3Limits } from "../../../snapshot/stores/s3/settings.ts";
import type { SnapshotStore } from "../../../snapshot/stores/store.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { freePort } from "../../support/free-port.ts";
import { runProcess } from "../../support/process.ts";
import { hasS3Server, type S3Credentials, sharedS3Server, startS3Server } from "../../support/s3-server.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import {
  absent,
  bytesOf,
  CHILD,
  calm,
  keysOf,
  openObject,
  outcomeOf,
  read,
  sampleBytes,
  text,
  unchanged,
  upload,
  write,
} from "./target.ts";

const KEY = "latest.json";
const MIB = 1024 ** 2;

/** Limits that end a fault soon. */
const IMPATIENT: Partial<S3Limits> = {
  answerMs: 700,
  stallMs: 400,
  slowestUploadBytesPerSecond: 20 * MIB,
  attempts: 2,
  conditionalBackoffMs: { base: 10, max: 20 },
};

interface Faulty extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly store: SnapshotStore;
  /** The same store without the proxy. */
  readonly direct: SnapshotStore;
}

async function openThroughProxy(limits: Partial<S3Limits> = IMPATIENT): Promise<Faulty> {
  const server = await sharedS3Server();
  const url = await server.bucketUrl();
  const proxy = await startFaultProxy({ port: server.httpPort });
  const through = url.replace(`:${server.httpPort}`, `:${proxy.port}`);
  const store = await openSnapshotStore(through, { credentials: server, limits });
  const direct = await openSnapshotStore(url, { credentials: server });
  return {
    proxy,
    store,
    direct,
    async [Symbol.asyncDispose]() {
      for (const one of [store, direct, proxy]) await one[Symbol.asyncDispose]();
    },
  };
}

async function errorOf(call: Promise<unknown>): Promise<CtlstoreError> {
  const error = await call.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!isCtlstoreError(error))
    throw new Error("the call did not fail with an error of ours", { cause: error });
  return error;
}

describe.if(hasS3Server)("a conditional write", () => {
  test("R23 is told from a lost race when its answer was lost", async () => {
    await using faulty = await openThroughProxy();
    const { proxy, store, direct } = faulty;
    proxy.set({ dropReplyOf: /^PUT / });
    const one = await write(store, KEY, "ours", absent);
    expect(await direct.readDocument(KEY, calm)).toEqual({ bytes: text("ours"), version: one });
    proxy.set({ dropReplyOf: /^PUT / });
    const two = await write(store, KEY, "ours again", unchanged(one));
    expect((await direct.readDocument(KEY, calm))?.version).toBe(two);
  });

  test("is settled by reading back when its last attempt was not answered", async () => {
    await using faulty = await openThroughProxy({ ...IMPATIENT, conditionalAttempts: 1 });
    faulty.proxy.set({ dropReplyOf: /^PUT / });
    await write(faulty.store, KEY, "ours", absent);
    expect(await read(faulty.direct, KEY)).toBe("ours");
  });

  test("is lost when somebody else wrote while its answer was awaited", async () => {
    await using faulty = await openThroughProxy({ ...IMPATIENT, answerMs: 2_000 });
    const { proxy, store, direct } = faulty;
    proxy.set({ holdReplyOf: /^PUT / });
    const writing = outcomeOf(write(store, KEY, "ours", absent));
    await proxy.held();
    const ours = await direct.readDocument(KEY, calm);
    await write(direct, KEY, "of another", unchanged(ours?.version ?? ""));
    proxy.resetAll();
    expect(await writing).toBe("snapshot_conflict");
    expect(await read(direct, KEY)).toBe("of another");
  });

  test("is unavailable, and wrote nothing, when the server cannot be reached", async () => {
    await using faulty = await openThroughProxy();
    faulty.proxy.set({ refuse: true });
    expect(await outcomeOf(write(faulty.store, KEY, "ours", absent))).toBe("snapshot_store_unavailable");
    faulty.proxy.set({});
    expect(await read(faulty.store, KEY)).toBeNull();
  });

  test("is tried again when S3 answers that another one is under way", async () => {
    let puts = 0;
    await using stub = await startStub((request) => {
      if (request.method !== "PUT") return new Response(null, { status: 500 });
      puts += 1;
      if (puts > 2) return new Response(null, { headers: { etag: '"1"' } });
      return s3Answer(409, "ConditionalRequestConflict");
    });
    expect(await write(stub.store, KEY, "ours", absent)).toBe('"1"');
    expect(puts).toBe(3);
  });
});

describe.if(hasS3Server)("a download", () => {
  test("R22 says that it was cut off, and goes on from there, when the connection is reset", async () => {
    using folder = tempFolder("s3");
    await using faulty = await openThroughProxy({});
    const { proxy, store, direct } = faulty;
    const bytes = sampleBytes(8 * MIB);
    writeFileSync(folder.file("source"), bytes);
    await upload(direct, "big", folder.file("source"));
    proxy.set({ resetAfter: { direction: "down", bytes: 2 * MIB } });
    const { version, body } = await openObject(store, "big");
    const received: Buffer[] = [];
    const reading = async () => {
      for await (const chunk of body) received.push(Buffer.from(chunk));
    };
    expect(await outcomeOf(reading())).toBe("snapshot_store_unavailable");
    const receivedBytes = Buffer.concat(received).length;
    expect(receivedBytes).toBeLessThan(bytes.length);
    proxy.set({});
    const rest = await openObject(store, "big", { fromByte: receivedBytes, version });
    expect(Buffer.concat([...received, await bytesOf(rest.body)]).equals(bytes)).toBe(true);
  });

  test("ends soon, and not before the time of a stall, when the connection goes silent in the middle", async () => {
    using folder = tempFolder("s3");
    await using faulty = await openThroughProxy();
    const { proxy, store, direct } = faulty;
    writeFileSync(folder.file("source"), sampleBytes(24 * MIB));
    await upload(direct, "big", folder.file("source"));
    const { body } = await openObject(store, "big");
    let silentSince = Number.NaN;
    const reading = async () => {
      for await (const _ of body) {
        if (!Number.isNaN(silentSince)) continue;
        proxy.set({ blackHole: true });
        silentSince = performance.now();
      }
    };
    const error = await errorOf(reading());
    expect(error.message).toMatch(/nothing came for 400 ms/);
    expect(performance.now() - silentSince).toBeGreaterThan(390);
    expect(performance.now() - silentSince).toBeLessThan(10_000);
  });

  test("takes as long as its reader takes", async () => {
    using folder = tempFolder("s3");
    await using faulty = await openThroughProxy({ ...IMPATIENT, stallMs: 50 });
    writeFileSync(folder.file("source"), sampleBytes(2 * MIB));
    await upload(faulty.direct, "big", folder.file("source"));
    const { body } = await openObject(faulty.store, "big");
    let bytes = 0;
    for await (const chunk of body) {
      if (bytes === 0) await Bun.sleep(150); // not a wait for something: the slow reader itself
      bytes += chunk.length;
    }
    expect(bytes).toBe(2 * MIB);
  });

  test("ends with the reason of its signal when that is aborted in the middle", async () => {
    using folder = tempFolder("s3");
    await using faulty = await openThroughProxy({});
    writeFileSync(folder.file("source"), sampleBytes(24 * MIB));
    await upload(faulty.direct, "big", folder.file("source"));
    const stopping = new AbortController();
    const { body } = await openObject(faulty.store, "big", { signal: stopping.signal });
    const reason = new Error("asked to stop");
    const reading = async () => {
      for await (const _ of body) stopping.abort(reason);
    };
    expect(await reading().catch((error: unknown) => error)).toBe(reason);
  });

  test("R22 is refused when the server answers another range than was asked for", async () => {
    await using stub = await startStub(() => new Response("all of it", { headers: { etag: '"1"' } }));
    expect(await outcomeOf(openObject(stub.store, "big", { fromByte: 4 }))).toBe(
      "snapshot_store_unavailable",
    );
  });
});

describe.if(hasS3Server)("an upload", () => {
  test("is unavailable, and leaves no object, when the connection goes silent or breaks in the middle", async () => {
    using folder = tempFolder("s3");
    const parts = { bytes: 5 * MIB, atOnce: 2, most: 10_000 };
    await using faulty = await openThroughProxy({ ...IMPATIENT, parts });
    const { proxy, store, direct } = faulty;
    writeFileSync(folder.file("source"), sampleBytes(24 * MIB));
    for (const fault of [{ blackHole: true }, { resetAfter: { direction: "up", bytes: 2 * MIB } }] as const) {
      const uploading = store.uploadFile("big", folder.file("source"), {
        contentType: "application/zstd",
        signal: calm,
        onProgress: () => proxy.set(fault),
      });
      expect(await outcomeOf(uploading)).toBe("snapshot_store_unavailable");
      expect(await keysOf(direct)).toEqual([]);
      proxy.set({});
      await direct.removeUnfinished(-2_000, calm);
    }
    await upload(store, "big", folder.file("source"));
    expect(await keysOf(direct)).toEqual(["big"]);
  }, 30_000);

  test("D20 ends soon when it is stopped while nothing comes back: a clean-up is not waited for", async () => {
    using folder = tempFolder("s3");
    const parts = { bytes: 5 * MIB, atOnce: 2, most: 10_000 };
    const patient = {
      ...IMPATIENT,
      answerMs: 10_000,
      cleanUpMs: 300,
      slowestUploadBytesPerSecond: MIB,
      parts,
    };
    await using faulty = await openThroughProxy(patient);
    const { proxy, store } = faulty;
    writeFileSync(folder.file("source"), sampleBytes(24 * MIB));
    const stopping = new AbortController();
    let stoppedMs = 0;
    const uploading = store.uploadFile("big", folder.file("source"), {
      contentType: "application/zstd",
      signal: stopping.signal,
      onProgress: () => {
        proxy.set({ blackHole: true });
        stoppedMs ||= performance.now();
        stopping.abort(new Error("asked to stop"));
      },
    });
    await expect(uploading).rejects.toThrow("asked to stop");
    expect(performance.now() - stoppedMs).toBeLessThan(5_000);
  }, 60_000);

  test("survives a part whose answer was lost", async () => {
    using folder = tempFolder("s3");
    await using faulty = await openThroughProxy({});
    const bytes = sampleBytes(20 * MIB);
    writeFileSync(folder.file("source"), bytes);
    faulty.proxy.set({ dropReplyOf: /^PUT .*partNumber=2/ });
    await upload(faulty.store, "big", folder.file("source"));
    faulty.proxy.set({ dropReplyOf: /^POST .*uploadId=/ });
    await upload(faulty.store, "big", folder.file("source"));
    expect((await bytesOf((await openObject(faulty.direct, "big")).body)).equals(bytes)).toBe(true);
  });
});

describe.if(hasS3Server)("a store in S3", () => {
  test("is unavailable within its limits when nothing comes back", async () => {
    await using faulty = await openThroughProxy();
    await write(faulty.direct, KEY, "x", absent);
    faulty.proxy.set({ blackHole: true });
    const began = performance.now();
    const outcomes = await Promise.all([
      outcomeOf(read(faulty.store, KEY)),
      outcomeOf(write(faulty.store, "other", "x", absent)),
      outcomeOf(keysOf(faulty.store)),
      outcomeOf(faulty.store.remove([KEY], calm)),
      outcomeOf(openObject(faulty.store, KEY)),
    ]);
    expect<string[]>(outcomes).toEqual(Array(5).fill("snapshot_store_unavailable"));
    expect(performance.now() - began).toBeLessThan(15_000);
  }, 30_000);

  test("does not say that there is no object when the answer is not S3's", async () => {
    for (const answer of [
      () => new Response("<html>not here</html>", { status: 404, headers: { "content-type": "text/html" } }),
      () => new Response("<html>a proxy's page</html>", { status: 503 }),
    ]) {
      await using stub = await startStub(answer);
      expect(await outcomeOf(read(stub.store, KEY))).toBe("snapshot_store_unavailable");
      expect(await outcomeOf(openObject(stub.store, KEY))).toBe("snapshot_store_unavailable");
    }
  });

  test("R26 says what is wrong with bucket and credentials, and never repeats a secret", async () => {
    const server = await sharedS3Server();
    const url = await server.bucketUrl();
    const owner: S3Credentials = server;
    const wrongSecret = { ...owner, secretAccessKey: "s3cr3t-wrong" };
    const unknown = { accessKeyId: "NOBODYSKEY", secretAccessKey: "s3cr3t-of-nobody" };
    const cases = [
      { url, credentials: wrongSecret, code: "snapshot_store_denied", says: /SignatureDoesNotMatch/ },
      { url, credentials: unknown, code: "snapshot_store_denied", says: /InvalidAccessKeyId/ },
      { url, credentials: await server.addUser(), code: "snapshot_store_denied", says: /AccessDenied/ },
      {
        url: url.replace(/s3:\/\/[^/]+/, "s3://no-such-bucket"),
        credentials: owner,
        code: "snapshot_store_unavailable",
        says: /NoSuchBucket/,
      },
      {
        url: url.replace(/:\d+/, `:${await freePort()}`),
        credentials: owner,
        code: "snapshot_store_unavailable",
        says: /ECONNREFUSED|ConnectionRefused/,
      },
    ];
    for (const { url: one, credentials, code, says } of cases) {
      await using store = await openSnapshotStore(one, { credentials, limits: IMPATIENT });
      const calls = [
        read(store, KEY),
        write(store, KEY, "x", absent),
        keysOf(store),
        store.remove([KEY], calm),
      ];
      for (const error of await Promise.all(calls.map(errorOf))) {
        expect(error).toMatchObject({ code });
        expect(error.message).toMatch(says);
        const shown = inspect(error, { depth: 20, showHidden: true });
        expect(shown).not.toContain(credentials.secretAccessKey);
        expect(shown).not.toContain(credentials.accessKeyId);
      }
    }
  });

  test("is denied, with where to look, when there are no credentials at all", async () => {
    const server = await sharedS3Server();
    const url = await server.bucketUrl();
    const nobody = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const ended = await runProcess([...CHILD, "look", url], { env: { ...server.env, ...nobody } });
    expect(ended.stdout).toMatch(/^"snapshot_store_denied: .*Could not load credentials/);
  });

  test("is found by the environment alone when the URL names neither server nor region", async () => {
    const server = await sharedS3Server();
    const url = await server.bucketUrl();
    await using store = await openSnapshotStore(url, { credentials: server });
    await write(store, KEY, "found", absent);
    const plain = `${url.replace(/\?.*/, "")}?path-style=true`;
    const env = { ...server.env, AWS_ENDPOINT_URL_S3: server.endpoint };
    expect((await runProcess([...CHILD, "look", plain], { env })).stdout).toBe('"found"\n');
    const nowhere = { ...env, AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined };
    const lost = await runProcess([...CHILD, "look", plain], { env: nowhere });
    expect(lost.stdout).toMatch(/^"config_invalid: .*region/);
  });

  test("keeps what was acknowledged, and serves again, when its server was killed and started", async () => {
    using folder = tempFolder("s3");
    await using server = await startS3Server();
    await using store = await openSnapshotStore(await server.bucketUrl(), {
      credentials: server,
      limits: { ...IMPATIENT, answerMs: 15_000 },
    });
    writeFileSync(folder.file("source"), sampleBytes(9 * MIB));
    await upload(store, "big", folder.file("source"));
    const version = await write(store, KEY, "acknowledged", absent);
    await server.kill();
    expect(await outcomeOf(read(store, KEY))).toBe("snapshot_store_unavailable");
    expect(await outcomeOf(write(store, KEY, "next", unchanged(version)))).toBe("snapshot_store_unavailable");
    await server.restart();
    expect(await read(store, KEY)).toBe("acknowledged");
    expect((await bytesOf((await openObject(store, "big")).body)).equals(sampleBytes(9 * MIB))).toBe(true);
    await write(store, KEY, "next", unchanged(version));
  }, 60_000);

  test("takes longer than any of its limits when the network is slow and moves", async () => {
    using folder = tempFolder("s3");
    const parts = { bytes: 5 * MIB, atOnce: 2, most: 10_000 };
    const limitMs = 300;
    const limits = { answerMs: 3 * limitMs, stallMs: limitMs, parts, slowestUploadBytesPerSecond: MIB };
    await using faulty = await openThroughProxy(limits);
    const bytes = sampleBytes(8 * MIB);
    writeFileSync(folder.file("source"), bytes);
    faulty.proxy.set({ latencyMs: 70 });
    const began = performance.now();
    await upload(faulty.store, "big", folder.file("source"));
    const uploaded = performance.now();
    expect((await bytesOf((await openObject(faulty.store, "big")).body)).equals(bytes)).toBe(true);
    expect(uploaded - began).toBeGreaterThan(3 * limitMs);
    expect(performance.now() - uploaded).toBeGreaterThan(limitMs);
  }, 30_000);

  test("says how to trust the server's certificate when it is of an unknown authority", async () => {
    const server = await sharedS3Server();
    const url = await server.bucketUrl({ scheme: "https" });
    await using store = await openSnapshotStore(url, { credentials: server, limits: IMPATIENT });
    const error = await errorOf(read(store, KEY));
    expect(error.code).toBe("snapshot_store_unavailable");
    expect(error.details.hint).toMatch(/NODE_EXTRA_CA_CERTS/);
  });

  test("works with the checksums that an older server knows", async () => {
    using folder = tempFolder("s3");
    const server = await sharedS3Server();
    const url = `${await server.bucketUrl()}&checksums=required`;
    await using store = await openSnapshotStore(url, { credentials: server });
    writeFileSync(folder.file("source"), sampleBytes(9 * MIB));
    await upload(store, "big", folder.file("source"));
    expect((await bytesOf((await openObject(store, "big")).body)).equals(sampleBytes(9 * MIB))).toBe(true);
    const version = await write(store, KEY, "one", absent);
    await write(store, KEY, "two", unchanged(version));
    expect(await outcomeOf(write(store, KEY, "three", unchanged(version)))).toBe("snapshot_conflict");
    await store.remove([KEY, "big"], calm);
    expect(await keysOf(store)).toEqual([]);
  });
});

/** A server that answers as the test says, where the real one never would, and a store in it. */
async function startStub(
  answer: (request: Request) => Response,
): Promise<AsyncDisposable & { readonly store: SnapshotStore }> {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", reusePort: false, fetch: answer });
  const url = `s3://bucket?endpoint=http://127.0.0.1:${server.port}&path-style=true`;
  const credentials = { accessKeyId: "STUB", secretAccessKey: "stub" };
  const store = await openSnapshotStore(url, { credentials, limits: IMPATIENT });
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await server.stop(true);
    },
  };
}

function s3Answer(status: number, code: string): Response {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as the test wants</Message></Error>`;
  return new Response(body, { status, headers: { "content-type": "application/xml" } });
}
