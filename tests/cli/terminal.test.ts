/** Questions at a real terminal: a pseudo-terminal that util-linux's `script` makes. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { runProcess } from "../support/process.ts";
import { ctlstore, SERVICE_ADMIN_TOKEN } from "../support/services.ts";
import { openOperatorWorld } from "./operator-world.ts";

const hasScript = existsSync("/usr/bin/script");
if (!hasScript) console.log("no `script` of util-linux: questions at a terminal are not tested");

test.skipIf(!hasScript)(
  "what cannot be undone is asked about at a terminal, and done when the answer is yes",
  async () => {
    await using world = await openOperatorWorld();
    await world.run(["register-writer", "importer"]);
    const line = ctlstore("writer", "revoke", "importer")
      .map((word) => `'${word}'`)
      .join(" ");
    const env = { CTLSTORE_EXECUTIVE: world.url, CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN };
    const answer = (input: string) =>
      runProcess(["/usr/bin/script", "-qec", line, "/dev/null"], { env, input });
    const no = await answer("n\n");
    expect(no.stdout).toContain("revoke writer importer? [y/N]");
    expect(no.stdout).toContain("nothing was changed");
    expect(no.code).toBe(1);
    expect(await world.json(["writer", "show", "importer"])).toMatchObject({ revoked: false });
    const yes = await answer("y\n");
    expect(yes.stdout).toContain("revoked writer importer");
    expect(yes.code).toBe(0);
    expect(await world.json(["writer", "show", "importer"])).toMatchObject({ revoked: true });
  },
  30_000,
);
