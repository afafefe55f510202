/** EC2's user-data with other settings in place of the examples, as an operator fills them in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/services.ts";

export const USER_DATA_PATH = join(ROOT, "deploy", "ec2", "user-data.sh");
export const UNITS_FOLDER = join(ROOT, "deploy", "systemd");

const SETTINGS = /(?<=^# ---- settings ----\n)[\s\S]*?(?=^# ---- end of settings ----$)/m;

export interface HostSettings {
  readonly binaryUrl: string;
  /** For the processor that the tests run on. */
  readonly sha256: string;
  /** The Reflector's options by the names of their variables. */
  readonly reflector: Readonly<Record<string, string>>;
  readonly readyLimitSeconds?: number;
  readonly sidecar?: string;
}

export function userDataText(): string {
  return readFileSync(USER_DATA_PATH, "utf8");
}

/** The whole script with these settings. */
export function userData(host: HostSettings): string {
  const { binaryUrl, sha256, reflector, readyLimitSeconds = 60, sidecar = "no" } = host;
  const lines = Object.entries(reflector).map(([name, value]) => `${name}=${value}`);
  const settings = [
    `BINARY_URL=${quoted(binaryUrl)}`,
    `BINARY_SHA256_X64=${quoted(sha256)}`,
    `BINARY_SHA256_ARM64=${quoted(sha256)}`,
    `REFLECTOR_SETTINGS=${quoted(`\n${lines.join("\n")}\n`)}`,
    `READY_LIMIT_SECONDS=${readyLimitSeconds}`,
    `SIDECAR=${sidecar}`,
  ];
  const text = userDataText();
  if (!SETTINGS.test(text)) throw new Error("the user-data has no settings between its marks");
  return text.replace(SETTINGS, () => `${settings.join("\n")}\n`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
