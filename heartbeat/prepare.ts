/** Makes what the heartbeat writes to, where it is missing: its family, its table and its writer. */
import { type Client, CtlstoreError, unwrap } from "../client/index.ts";
import type { ErrorCode } from "../core/errors.ts";

export interface HeartbeatPlace {
  readonly family: string;
  readonly table: string;
  readonly writer: string;
  readonly secret: string;
}

/** The shape of the original's table. */
const TABLE = {
  fields: [
    ["name", "string"],
    ["value", "integer"],
  ] as [string, string][],
  keyFields: ["name"],
};

/** Does nothing where all of it exists. @throws CtlstoreError `writer_exists`, `bad_credentials`, `ctldb_unavailable` */
export async function prepareHeartbeat(client: Client, place: HeartbeatPlace): Promise<void> {
  const family = client.families({ family: place.family });
  await unlessExists("family_exists", async () => unwrap(await family.post()));
  await unlessExists("table_exists", async () =>
    unwrap(await family.tables({ table: place.table }).post(TABLE)),
  );
  unwrap(await client.writers({ writer: encodeURIComponent(place.writer) }).post(place.secret));
}

async function unlessExists(code: ErrorCode, create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof CtlstoreError) || error.code !== code) throw error;
  }
}
