/** Secrets and tokens that commands make: where they go, and where nothing of them is. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { testSecret } from "../support/secrets.ts";
import { openOperatorWorld, runAgainst } from "./operator-world.ts";

describe("a secret that is made", () => {
  test("stands alone on standard output when it has no file, and is long", async () => {
    await using world = await openOperatorWorld();
    const { code, out, notes } = await world.run(["register-writer", "importer"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^[\w-]{43}$/);
    expect(notes).toContain("importer");
    expect(notes).not.toContain(out);
    const other = await world.run(["writer", "rotate", "importer"]);
    expect(other.out).toMatch(/^[\w-]{43}$/);
    expect(other.out).not.toBe(out);
  });

  test("goes into a new file of its owner alone, and nothing of it is printed", async () => {
    await using world = await openOperatorWorld();
    const path = world.folder.file("secret");
    const { out, notes } = await world.run(["register-writer", "importer", "--secret-file", path]);
    const secret = readFileSync(path, "utf8").trim();
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(`${out}${notes}`).not.toContain(secret);
    expect((await world.run(["writer", "rotate", "importer", "--secret-file", path])).code).toBe(2);
    expect(readFileSync(path, "utf8").trim()).toBe(secret);
    const grown = await world.run(["create-family", "shop"]);
    expect(grown.code).toBe(0);
  });

  test("leaves no file when the Executive refuses it", async () => {
    await using world = await openOperatorWorld();
    const path = world.folder.file("secret");
    await world.run(["register-writer", "importer"]);
    const again = await world.run(["register-writer", "importer", "--secret-file", path]);
    expect(again.code).toBe(1);
    expect(again.notes).toContain("writer rotate");
    expect(existsSync(path)).toBeFalse();
    expect((await world.run(["operator", "create", "a", "--role", "read", "--token-file", path])).code).toBe(
      2,
    );
    await world.run(["operator", "create", "alice", "--role", "read"]);
    expect(
      (await world.run(["operator", "create", "alice", "--role", "read", "--token-file", path])).code,
    ).toBe(1);
    expect(existsSync(path)).toBeFalse();
  });

  test("keeps its file when there is no answer, since it may have taken effect", async () => {
    await using world = await openOperatorWorld();
    const path = world.folder.file("secret");
    const nowhere = "http://127.0.0.1:1";
    expect((await runAgainst(nowhere, ["writer", "rotate", "importer", "--secret-file", path])).code).toBe(1);
    expect(readFileSync(path, "utf8").trim()).toMatch(/^[\w-]{43}$/);
    const token = world.folder.file("token");
    expect(
      (await runAgainst(nowhere, ["operator", "create", "alice", "--role", "read", "--token-file", token]))
        .code,
    ).toBe(1);
    expect(existsSync(token)).toBeFalse();
  });

  test("R45 is told when there is no clear answer, so that it may be sent again and ends no secret in use", async () => {
    await using world = await openOperatorWorld();
    const [old, path] = [testSecret("old"), world.folder.file("made")];
    writeFileSync(path, old);
    await world.run(["register-writer", "importer", "--secret", `@${path}`]);
    // Carries the request out, and loses the answer.
    await using lossy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const { method, headers } = request;
        await fetch(`${world.url}${pathname}${search}`, { method, headers, body: await request.text() });
        return Response.json(
          { error: { code: "commit_outcome_unknown", message: "Cannot tell" } },
          { status: 504 },
        );
      },
    });
    const lost = await runAgainst(lossy.url.origin, ["writer", "rotate", "importer"]);
    expect(lost.code).toBe(1);
    expect(lost.out).toMatch(/^[\w-]{43}$/);
    expect(lost.notes).toContain("--new-secret");
    writeFileSync(path, lost.out);
    expect((await world.run(["writer", "rotate", "importer", "--new-secret", `@${path}`])).code).toBe(0);
    for (const secret of [old, lost.out]) {
      const headers = { "ctlstore-writer": "importer", "ctlstore-secret": secret };
      expect((await fetch(`${world.url}/cookie`, { headers })).status).toBe(200);
    }
  });

  test("is not made when one is given, and a file for it is refused then", async () => {
    await using world = await openOperatorWorld();
    writeFileSync(world.folder.file("given"), `${testSecret("given")}\n`);
    const given = ["--secret", `@${world.folder.file("given")}`];
    const registered = await world.run(["register-writer", "importer", ...given]);
    expect(registered).toEqual({ code: 0, out: "registered writer importer", notes: "" });
    expect((await world.run(["register-writer", "importer", ...given, "--secret-file", "x"])).code).toBe(2);
  });

  test("R45 does not depend on the old one, which an operator's environment may have", async () => {
    await using world = await openOperatorWorld();
    const environment = { CTLSTORE_SECRET: testSecret("old") };
    await world.run(["register-writer", "importer"], { environment });
    const { out } = await world.run(["writer", "rotate", "importer", "--overlap", "0s"], { environment });
    expect(out).toMatch(/^[\w-]{43}$/);
    const cookie = await fetch(`${world.url}/cookie`, {
      headers: { "ctlstore-writer": "importer", "ctlstore-secret": out },
    });
    expect(cookie.status).toBe(200);
  });
});
