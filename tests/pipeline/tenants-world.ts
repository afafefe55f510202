/** Two Executives on one MariaDB as real processes, operators who know nothing but commands, and writers. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { Writer } from "../../client/index.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { runProcess } from "../support/process.ts";
import {
  ctlstore,
  SERVICE_ADMIN_TOKEN,
  type ServiceProcess,
  startExecutiveService,
} from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** Which of the two Executives is asked. */
export type Which = 0 | 1;
export const BOTH: readonly Which[] = [0, 1];

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface WriteAs {
  readonly secret: string;
  readonly executive?: Which;
}

export interface Tenants extends AsyncDisposable {
  readonly executives: readonly ServiceProcess[];
  /** A file in the operators' folder. */
  file(name: string): string;
  secretIn(file: string): string;
  /** Runs a command as an operator, whose token is in the file `NAME.token`; `root` has the admin token. */
  as(operator: string, args: readonly string[], executive?: Which): Promise<Ran>;
  /** The same, which must go well; what it printed. */
  done(operator: string, args: readonly string[], executive?: Which): Promise<string>;
  json(operator: string, args: readonly string[], executive?: Which): Promise<Record<string, unknown>>;
  /** The same, which must be refused with this code. */
  refused(operator: string, args: readonly string[], code: string): Promise<void>;
  writerOf(writer: string, family: string, options: WriteAs): Writer;
  /** The code with which a write of row 0 is refused; null when it is taken. */
  codeOfWrite(writer: string, family: string, options: WriteAs): Promise<string | null>;
}

const FLAGS = ["--require-grants", "--destructive-schema-changes"];

export async function openTenants(): Promise<Tenants> {
  const folder = tempFolder("tenants");
  const ctldbUrl = await (await sharedMariadb()).createDatabase();
  const executives = [
    await startExecutiveService(ctldbUrl, FLAGS),
    await startExecutiveService(ctldbUrl, FLAGS),
  ];
  const urlOf = (executive: Which = 0) => executives[executive]?.url ?? "";
  const as: Tenants["as"] = async (operator, args, executive) => {
    // Secrets go through files and the environment.
    const token = operator === "root" ? SERVICE_ADMIN_TOKEN : `@${folder.file(`${operator}.token`)}`;
    const env = { CTLSTORE_EXECUTIVE: urlOf(executive), CTLSTORE_ADMIN_TOKEN: token };
    const { code, stdout, stderr } = await runProcess(ctlstore(...args), { env });
    return { code, out: stdout, err: stderr };
  };
  const done: Tenants["done"] = async (operator, args, executive) => {
    const { code, out, err } = await as(operator, args, executive);
    if (code !== 0) throw new Error(`${args.join(" ")} of ${operator} ended with ${code}: ${err}`);
    return out;
  };
  return {
    executives,
    as,
    done,
    file: (name) => folder.file(name),
    secretIn: (file) => readFileSync(folder.file(file), "utf8").trim(),
    json: async (operator, args, executive) =>
      JSON.parse(await done(operator, [...args, "--json"], executive)),
    refused: async (operator, args, code) => {
      const ran = await as(operator, args);
      const wanted = { code: 1, out: "", err: expect.stringContaining(`[${code}]`) };
      expect({ args, ...ran }).toEqual({ args, ...wanted });
    },
    writerOf: (writer, family, { secret, executive }) =>
      new Writer({ url: urlOf(executive), writer, secret, family, retryForMs: 0 }),
    codeOfWrite: (writer, family, { secret, executive }) =>
      codeOfWrite(`${urlOf(executive)}/families/${family}/mutations`, {
        "ctlstore-writer": writer,
        "ctlstore-secret": secret,
      }),
    async [Symbol.asyncDispose]() {
      for (const executive of executives) await executive[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

async function codeOfWrite(url: string, headers: Record<string, string>): Promise<string | null> {
  const body = JSON.stringify({ mutations: [{ table: "rows", values: { id: 0 } }] });
  const answer = await fetch(url, { method: "POST", headers, body });
  if (answer.status === 200) return null;
  return ((await answer.json()) as { error: { code: string } }).error.code;
}
