/** A ctldb with its Executives, and an LDB that follows it: where histories run, one after the other. */
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { sharedMariadb } from "../support/mariadb.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { Central, LedgerAuditor } from "./central.ts";
import { Local } from "./local.ts";

export const CTLDB_KINDS = ["sqlite", "mariadb"] as const;
export type CtlDbKind = (typeof CTLDB_KINDS)[number];

export interface World extends AsyncDisposable {
  readonly kind: CtlDbKind;
  readonly central: Central;
  readonly auditor: LedgerAuditor;
  readonly local: Local;
  /** A number that no run in this world has had. */
  nextRun(): number;
  /** A folder for another LDB of the same ledger. */
  newLdbFolder(): string;
}

export async function openWorld(kind: CtlDbKind): Promise<World> {
  const folder = tempFolder(`world-${kind}`);
  const place =
    kind === "sqlite" ? { url: `sqlite:${folder.file("ctldb.db")}`, prepareCut: null } : await newMariadb();
  const central = await Central.open(place.url, place.prepareCut);
  const auditor = new LedgerAuditor(place.url);
  const local = new Local(folder.file("ldb"), place.url);
  let runs = 0;
  let folders = 0;
  return {
    kind,
    central,
    auditor,
    local,
    nextRun: () => ++runs,
    newLdbFolder: () => folder.file(`another-ldb-${++folders}`),
    async [Symbol.asyncDispose]() {
      local[Symbol.dispose]();
      await auditor[Symbol.asyncDispose]();
      await central[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

async function newMariadb() {
  const server = await sharedMariadb();
  const url = await server.createDatabase();
  const database = new URL(url).pathname.slice(1);
  const prepareCut = async () => {
    const admin = await createConnection(server.url("information_schema"));
    const [found] = await admin.query<RowDataPacket[]>(`SELECT id FROM processlist WHERE db = '${database}'`);
    return async () => {
      // One that has ended by itself meanwhile cannot be killed.
      for (const { id } of found) await admin.query(`KILL CONNECTION ${id}`).catch(() => {});
      admin.destroy();
    };
  };
  return { url, prepareCut };
}
