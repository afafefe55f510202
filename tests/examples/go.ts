/** Go for its example: the machine's own, or Debian's, which set-up unpacks for the deep tests. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/services.ts";

const UNPACKED = join(ROOT, ".cache", "golang");

export interface GoCommand {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Nothing is fetched and no C compiler is needed: the example uses the standard library alone. */
const ENVIRONMENT = { GOPROXY: "off", GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod", CGO_ENABLED: "0" };

/** Null where there is none. */
export function goCommand(): GoCommand | null {
  if (existsSync(join(UNPACKED, "complete"))) {
    return { command: join(UNPACKED, "bin", "go"), env: { ...ENVIRONMENT, GOROOT: UNPACKED } };
  }
  const found = Bun.which("go");
  return found === null ? null : { command: found, env: ENVIRONMENT };
}
