/**
 * Two Executives on one MariaDB, with everything that any route may be asked for, and credentials of every kind; and a
 * digest of all that the ctldb holds.
 */
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { type Client, createClient, unwrap } from "../../client/index.ts";
import { ROLES, type Role } from "../../core/roles.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { testSecret } from "../support/secrets.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess, startExecutiveService } from "../support/services.ts";

export interface WalkWorld extends AsyncDisposable {
  readonly executives: readonly [ServiceProcess, ServiceProcess];
  readonly tokens: Readonly<Record<Role, string>>;
  readonly revokedToken: string;
  /** Of every table of the ctldb, its system tables included; equal means that nothing was changed. */
  digest(): Promise<Readonly<Record<string, string>>>;
}

/** Parameters of paths, each of something that exists. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  family: "shop",
  table: "item",
  writer: "importer",
  name: "victim",
  reader: "checkout",
};

/** Writers with their secrets. */
export const WRITERS = {
  /** May write family `shop`. */
  granted: { name: "importer", secret: testSecret("importer") },
  /** May write another family. */
  stranger: { name: "stranger", secret: testSecret("stranger") },
  /** Was revoked. */
  revoked: { name: "revoked", secret: testSecret("revoked") },
  /** Its secret was replaced, without an overlap. */
  replaced: { name: "replaced", secret: testSecret("replaced") },
} as const;

const ITEM: { fields: [string, string][]; keyFields: string[] } = {
  fields: [
    ["id", "integer"],
    ["label", "string"],
  ],
  keyFields: ["id"],
};

export async function openWalkWorld(): Promise<WalkWorld> {
  const ctldbUrl = await (await sharedMariadb()).createDatabase();
  // All that it ever says is looked at for secrets.
  const flags = ["--destructive-schema-changes", "--log-level", "debug"];
  const first = await startExecutiveService(ctldbUrl, flags);
  const second = await startExecutiveService(ctldbUrl, flags);
  const client = createClient(first.url, { adminToken: SERVICE_ADMIN_TOKEN });
  await makeTables(client);
  await makeWriters(client);
  unwrap(
    await client.limits
      .tables({ family: "shop" })({ table: "item" })
      .post({ "max-size": 1e9, "warn-size": 1e8 }),
  );
  unwrap(await client.limits.writers({ writer: "importer" }).post({ amount: 1e6, period: "1m" }));
  unwrap(await client.limits.fleet.post({ amount: 1e7, period: "1m" }));
  const { tokens, revokedToken } = await makeOperators(client);
  const connection = await createConnection(ctldbUrl);
  return {
    executives: [first, second],
    tokens,
    revokedToken,
    digest: async () => {
      const [found] = await connection.query<RowDataPacket[]>("SHOW TABLES");
      const names = found.map((row) => String(Object.values(row)[0])).filter((name) => !isMeasured(name));
      const [sums] = await connection.query<RowDataPacket[]>(
        `CHECKSUM TABLE ${names.map((name) => `\`${name}\``).join(", ")}`,
      );
      return Object.fromEntries(sums.map((row) => [String(row["Table"]), String(row["Checksum"])]));
    },
    async [Symbol.asyncDispose]() {
      await connection.end();
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

/** What Executives write by themselves, whoever asks for what: states of the sizes of tables. */
function isMeasured(table: string): boolean {
  return table === "ctlstore_table_states";
}

async function makeTables(client: Client): Promise<void> {
  unwrap(await client.families({ family: "shop" }).post());
  unwrap(await client.families({ family: "bank" }).post());
  const item = client.families({ family: "shop" }).tables({ table: "item" });
  unwrap(await item.post(ITEM));
  unwrap(await item.readers({ reader: "checkout" }).put({ contact: "#checkout" }));
}

async function makeWriters(client: Client): Promise<void> {
  for (const { name, secret } of Object.values(WRITERS))
    unwrap(await client.writers({ writer: name }).post(secret));
  unwrap(await client.writers({ writer: WRITERS.granted.name }).grants.put({ families: ["shop"] }));
  unwrap(await client.writers({ writer: WRITERS.stranger.name }).grants.put({ families: ["bank"] }));
  unwrap(await client.writers({ writer: WRITERS.revoked.name }).delete());
  unwrap(
    await client
      .writers({ writer: WRITERS.replaced.name })
      .secret.post(testSecret("other"), { query: { overlap: "0s" } }),
  );
  const mutations = [{ table: "item", values: { id: 1, label: "one" } }];
  const headers = headersOf(WRITERS.granted);
  unwrap(
    await client.families({ family: "shop" }).mutations.post({ cookie: btoa("one"), mutations }, { headers }),
  );
}

async function makeOperators(client: Client) {
  const make = async (name: string, role: Role) =>
    unwrap(await client.operators({ name }).post({ role })).token;
  const tokens = { read: "", loader: "", schema: "", admin: "" };
  for (const role of ROLES) tokens[role] = await make(`${role}-operator`, role);
  await make("victim", "read");
  const revokedToken = await make("revoked-operator", "admin");
  unwrap(await client.operators({ name: "revoked-operator" }).delete());
  return { tokens, revokedToken };
}

export function headersOf({ name, secret }: { readonly name: string; readonly secret: string }) {
  return { "ctlstore-writer": name, "ctlstore-secret": secret };
}
