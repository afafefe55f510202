/** TLS of a listener, with real certificates: who gets in, and certificates that change under load (R44). */
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { listen } from "../../../core/process/listen.ts";
import { makeCa } from "../../support/certificates.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { HOSTS, openTls, openTlsWorld, RawConnection, shownName, type TlsWorld } from "./tls-world.ts";

const text = (path: string) => readFileSync(path, "utf8");
const RELOADS_OK = 'ctlstore_tls_certificate_reloads_total{result="ok"}';
const RELOADS_FAILED = 'ctlstore_tls_certificate_reloads_total{result="failed"}';
const HANDSHAKE_FAILURES = "ctlstore_tls_handshake_failures_total";

describe("a listener with a certificate", () => {
  test("answers over TLS 1.2 and 1.3 when the client trusts its authority, and nobody over 1.1", async () => {
    await using world = await openTlsWorld();
    expect(world.listener.url).toStartWith("https://127.0.0.1:");
    expect(await world.get()).toBe("ok");
    for (const version of ["TLSv1.2", "TLSv1.3"]) {
      const socket = await openTls(world, { minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
    await expect(openTls(world, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" })).rejects.toThrow();
  });

  test("is refused by clients when its authority is unknown, its name wrong, or its time over", async () => {
    await using world = await openTlsWorld({ bind: "0.0.0.0:0" });
    await using expired = await openTlsWorld({ notAfter: new Date(Date.now() - 60_000) });
    const unknown = makeCa(world.folder, "Another CA");
    await expect(world.get({ ca: text(unknown.caFile) })).rejects.toMatchObject({
      code: expect.stringMatching(/VERIFY|SELF_SIGNED/),
    });
    const at = (host: string) => world.get({}, `https://${host}:${world.port}/`);
    await expect(at("127.0.0.2")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    await expect(expired.get()).rejects.toMatchObject({ code: "CERT_HAS_EXPIRED" });
    expect(await at("127.0.0.1")).toBe("ok");
  });

  test("passes bodies and answers of megabytes on, unchanged, when both sides are slow to take them", async () => {
    await using world = await openTlsWorld();
    const body = crypto.getRandomValues(new Uint8Array(65_536));
    const large = Buffer.concat(Array.from({ length: 128 }, () => body));
    const tls = { ca: text(world.ca.caFile) };
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () =>
        (await fetch(`${world.listener.url}/`, { method: "POST", body: large, tls })).bytes(),
      ),
    );
    for (const answer of answers) expect(Buffer.compare(answer, large)).toBe(0);
  });

  test("gives a slow client the whole of an answer when the server behind has closed long before", async () => {
    const answer = new Uint8Array(16 * 1024 * 1024).fill(97);
    const fetchLarge = () => new Response(answer, { headers: { connection: "close" } });
    await using world = await openTlsWorld({ fetch: fetchLarge });
    const socket = await openTls(world);
    let received = 0;
    let sinceRest = 0;
    socket.on("data", ({ length }) => {
      received += length;
      sinceRest += length;
      if (sinceRest < 1024 * 1024) return;
      sinceRest = 0;
      socket.pause();
      setTimeout(() => socket.resume(), 20);
    });
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    expect(received).toBeGreaterThan(answer.length);
  });

  test("speaks no plain HTTP, and goes on, when somebody tries", async () => {
    await using world = await openTlsWorld();
    const plain = new RawConnection({ port: world.port });
    plain.socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => plain.isClosed, { what: "the end of the plain connection" });
    expect(plain.received).not.toContain("HTTP/1.1 200");
    expect(await world.get()).toBe("ok");
    expect(await world.metric(HANDSHAKE_FAILURES)).toBe(1);
  });
});

describe("a listener that asks for client certificates (mTLS)", () => {
  test("lets in who has one of its authority, and nobody else", async () => {
    const folder = tempFolder("clients");
    const ca = makeCa(folder, "Clients");
    const good = ca.issue({ commonName: "loader", client: true });
    const late = ca.issue({ commonName: "loader", client: true, notAfter: new Date(Date.now() - 60_000) });
    const foreign = makeCa(folder, "Clients").issue({ commonName: "loader", client: true });
    await using world = await openTlsWorld({ clientCaFile: () => ca.caFile });
    const pair = ({ certFile, keyFile }: typeof good) => ({ cert: text(certFile), key: text(keyFile) });
    expect(await world.get(pair(good))).toBe("ok");
    await expect(world.get()).rejects.toThrow();
    await expect(world.get(pair(late))).rejects.toThrow();
    await expect(world.get(pair(foreign))).rejects.toThrow();
    expect(await world.metric(HANDSHAKE_FAILURES)).toBeGreaterThanOrEqual(3);
    // A rotation of the server's certificate does not open the door.
    world.rotate("second");
    await expect(world.get()).rejects.toThrow();
    expect(await world.get(pair(good))).toBe("ok");
    folder[Symbol.dispose]();
  });

  test("takes another authority of clients into use when the file changes", async () => {
    const folder = tempFolder("clients");
    const [before, after] = [makeCa(folder, "Before"), makeCa(folder, "After")];
    const caFile = folder.file("clients.pem");
    copyFileSync(before.caFile, caFile);
    const issue = (ca: typeof before) => {
      const { certFile, keyFile } = ca.issue({ commonName: "loader", client: true });
      return { cert: text(certFile), key: text(keyFile) };
    };
    const [old, young] = [issue(before), issue(after)];
    await using world = await openTlsWorld({ clientCaFile: () => caFile });
    expect(await world.get(old)).toBe("ok");
    await expect(world.get(young)).rejects.toThrow();
    copyFileSync(after.caFile, caFile);
    world.listener.reloadCertificates();
    expect(await world.get(young)).toBe("ok");
    await expect(world.get(old)).rejects.toThrow();
    folder[Symbol.dispose]();
  });
});

describe("certificates that change (R44)", () => {
  test("are replaced without a failed request when fifty are under way, and open connections go on", async () => {
    await using world = await openTlsWorld();
    const kept = await openTls(world);
    let answered = 0;
    let stop = false;
    const client = async (keepalive: boolean) => {
      const tls = { ca: text(world.ca.caFile) };
      while (!stop) {
        const response = await fetch(`${world.listener.url}/`, { method: "POST", body: "x", tls, keepalive });
        expect(await response.text()).toBe("x");
        answered += 1;
      }
    };
    const clients = Promise.all(Array.from({ length: 50 }, (_, n) => client(n % 2 === 0)));
    clients.catch(() => {
      stop = true;
    });
    for (const name of ["second", "third", "fourth"]) {
      const before = answered;
      world.rotate(name);
      expect(await shownName(world)).toBe(name);
      await until(() => stop || answered > before + 200, { what: "requests after the rotation" });
    }
    stop = true;
    await clients;
    expect(kept.getPeerCertificate().subject.CN).toBe("first");
    kept.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const bytes = await new Promise<string>((resolve) =>
      kept.once("data", (data) => resolve(data.toString())),
    );
    expect(bytes).toStartWith("HTTP/1.1 200");
    expect(await world.metric(RELOADS_OK)).toBe(3);
    expect(await world.metric(RELOADS_FAILED)).toBe(0);
  });

  test("are found without being told when their files change", async () => {
    await using world = await openTlsWorld({ certificateLookMs: 20 });
    world.ca.issue({ commonName: "second", hosts: HOSTS, as: "server" });
    await until(async () => (await shownName(world)) === "second", { what: "the new certificate" });
    await until(() => world.logged.some(({ message }) => message.includes("took a new certificate")), {
      what: "the line about it",
    });
  });

  test("are kept out when they are broken, and taken once they are whole", async () => {
    await using world = await openTlsWorld();
    const { certFile, keyFile } = world.files;
    const other = world.ca.issue({ commonName: "other", hosts: HOSTS });
    const old = world.ca.issue({ commonName: "old", hosts: HOSTS, notAfter: new Date(Date.now() - 60_000) });
    const breakages: Record<string, () => void> = {
      "is not the key": () => copyFileSync(other.keyFile, keyFile),
      "no certificate": () => truncateSync(certFile, 100),
      "no private key": () => writeFileSync(keyFile, ""),
      "cannot be read": () => rmSync(keyFile),
      expired: () => {
        copyFileSync(old.certFile, certFile);
        copyFileSync(old.keyFile, keyFile);
      },
    };
    let failures = 0;
    for (const [reason, breakFiles] of Object.entries(breakages)) {
      world.rotate("good");
      breakFiles();
      for (let look = 0; look < 3; look++) world.listener.reloadCertificates();
      failures += 3;
      expect(await shownName(world)).toBe("good");
      expect(await world.metric(RELOADS_FAILED)).toBe(failures);
      expect({ reason, logged: errorsOf(world).at(-1) }).toEqual({
        reason,
        logged: expect.stringContaining(reason),
      });
    }
    // Each told once, however often it was tried.
    expect(errorsOf(world)).toHaveLength(Object.keys(breakages).length);
    expect(JSON.stringify(world.logged)).not.toContain("PRIVATE KEY");
    renameSync(other.certFile, certFile);
    renameSync(other.keyFile, keyFile);
    world.listener.reloadCertificates();
    expect(await shownName(world)).toBe("other");
  });

  test("are refused at the start when they cannot be used", async () => {
    using folder = tempFolder("listen");
    const ca = makeCa(folder);
    const [one, two] = [ca.issue({ commonName: "one" }), ca.issue({ commonName: "two" })];
    const start = (tls: object) =>
      listen("127.0.0.1:0", { fetch: () => new Response(), tls: { ...one, ...tls } });
    const nowhere = folder.file("missing.pem");
    for (const tls of [
      { keyFile: two.keyFile },
      { keyFile: nowhere },
      { certFile: nowhere },
      { certFile: one.keyFile },
      { keyFile: one.certFile },
      { clientCaFile: nowhere },
      { clientCaFile: one.keyFile },
    ]) {
      const error = await start(tls).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "config_invalid" });
      expect(String(error)).toContain("for TLS");
    }
  });

  test("say in the log and in a metric when they end", async () => {
    const day = 86_400_000;
    const notAfter = new Date(Math.floor((Date.now() + 10 * day) / 1000) * 1000);
    await using soon = await openTlsWorld({ notAfter });
    await using late = await openTlsWorld({ notAfter: new Date(Date.now() - 60_000) });
    await using fine = await openTlsWorld();
    expect(await soon.metric("ctlstore_tls_certificate_expires_seconds")).toBe(notAfter.getTime() / 1000);
    const said = ({ logged }: TlsWorld) => logged.map(({ level, message }) => `${level}: ${message}`);
    expect(said(soon)).toEqual(["warn: the certificate expires soon"]);
    expect(said(late)).toEqual(["error: the certificate has expired: clients refuse it"]);
    expect(said(fine)).toEqual([]);
    for (let look = 0; look < 5; look++) soon.listener.reloadCertificates();
    expect(said(soon)).toHaveLength(1);
    soon.rotate("second");
    expect(said(soon).at(-1)).toBe("info: took a new certificate into use");
  });
});

/** The reasons of what was logged as an error. */
function errorsOf({ logged }: TlsWorld): string[] {
  return logged.filter(({ level }) => level === "error").map(({ fields }) => String(fields["err"]));
}
