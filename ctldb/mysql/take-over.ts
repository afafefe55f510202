/**
 * Takes over what the original wrote: a whole ctldb of its making once, and single entries if it still writes beside
 * us.
 *
 * Under the ledger lock: the chain is computed over its entries (they stay unattested), the catalog is filled from the
 * ledger's schema statements, and where MySQL's tables differ from what the ledger says they are, the difference is
 * mended by new entries of ours (D6, D7). Key columns get a collation that compares by bytes (D3). Nothing of the
 * original's is changed otherwise, and all of it can be repeated after a crash.
 */
import { randomBytes } from "node:crypto";
import { CtlstoreError } from "../../core/errors.ts";
import { hashToHex, nextLink, ZERO_HASH } from "../../core/ledger/chain.ts";
import type { LedgerEntry } from "../../core/ledger/entry.ts";
import { ldbTableName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { TableSchema } from "../../core/schema.ts";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { LedgerSchema } from "../legacy-schema.ts";
import type { LedgerHead, SchemaChange } from "../store.ts";
import { entriesAfter } from "./entries.ts";
import { findTables } from "./found-tables.ts";
import { keptAlive } from "./keep-alive.ts";
import { type MendedTables, mendTables } from "./mend-tables.ts";
import { packets, packingFor, tailStatements } from "./render.ts";
import { loadCatalogInTransaction } from "./rows.ts";
import { columnDeclaration, publishStatements } from "./schema-changes.ts";
import { MysqlSession, type MysqlTarget } from "./session.ts";
import {
  assertFormat,
  CTLDB_FORMAT_VERSION,
  createSystemTables,
  metaStatements,
  readMeta,
} from "./tables.ts";

export interface TakeOverDeps {
  readonly target: MysqlTarget;
  readonly logger: Logger;
  readonly clock: Clock;
}

const LOCK = "BEGIN;UPDATE locks SET clock = clock + 1 WHERE id = 'ledger'";

/**
 * Brings the ctldb to today's form, taking over what the original left. Returns the epoch.
 * @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible`
 */
export async function initialise(session: MysqlSession, deps: TakeOverDeps): Promise<string> {
  const setupLock = textLiteral(`ctlstore_init_${session.database}`.slice(0, 64));
  await takeSetupLock(session, setupLock);
  try {
    await assertKnownFormat(session);
    await createSystemTables(session);
    await session.execute(LOCK, "take the ledger lock");
    const meta = await readMeta(session);
    const epoch = meta.get("epoch") ?? (await beginEpoch(session, deps));
    await session.execute("COMMIT", "initialise the ctldb");
    return epoch;
  } finally {
    if (!session.broken) await session.run(`DO RELEASE_LOCK(${setupLock})`).catch(() => session.destroy());
  }
}

/** Before anything is changed: the tables of a newer ctlstore are not ours to widen. */
async function assertKnownFormat(session: MysqlSession): Promise<void> {
  const found = await session.select(
    "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'ctlstore_meta'",
    "look for a ctldb",
  );
  if (found.length > 0) assertFormat(await readMeta(session));
}

/** Two starts at once on an empty database: the second one waits. */
async function takeSetupLock(session: MysqlSession, setupLock: string): Promise<void> {
  const { setupWaitSeconds } = session.timeouts;
  const results = await session.execute(
    `SELECT GET_LOCK(${setupLock}, ${setupWaitSeconds})`,
    "wait for another start",
    setupWaitSeconds * 1000 + session.timeouts.queryMs,
  );
  if (Number(results[0]?.rows[0]?.[0]) === 1) return;
  throw new CtlstoreError(
    "ctldb_unavailable",
    `Cannot open the ctldb: another process has been setting up its tables for ${setupWaitSeconds} seconds`,
    { retryAfterSeconds: 5 },
  );
}

async function beginEpoch(session: MysqlSession, deps: TakeOverDeps): Promise<string> {
  const epoch = randomBytes(16).toString("hex");
  const [ledger] = await session.select(
    "SELECT EXISTS(SELECT 1 FROM ctlstore_dml_ledger)",
    "look at the ledger",
  );
  const isNew = Number(ledger?.[0]) === 0 && (await findTables(session)).tables.length === 0;
  const origin = isNew ? randomBytes(32) : ZERO_HASH;
  const identity = {
    epoch,
    origin: hashToHex(origin),
    takeover_sequence: "0",
    format_version: String(CTLDB_FORMAT_VERSION),
  };
  const head: LedgerHead = { sequence: SEQUENCE_ZERO, hash: origin, schemaVersion: 0n };
  const statements = [
    ...metaStatements(identity),
    ...tailStatements(
      { entries: [], head, cookies: [], newFamilies: [] },
      packingFor(session.server.maxPacketBytes),
    ),
  ];
  await session.execute(statements.join(";"), "initialise the ctldb");
  if (!isNew) {
    deps.logger.info({ epoch }, "taking over a ctldb of the original");
    await takeOverUnderLock(session, head, deps);
  }
  return epoch;
}

/** Takes over entries written behind our back. The session's transaction holds the ledger lock and is committed. */
export async function takeOver(session: MysqlSession, head: LedgerHead, deps: TakeOverDeps): Promise<void> {
  try {
    await takeOverUnderLock(session, head, deps);
    await session.execute("COMMIT", "take over entries of the original");
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

async function takeOverUnderLock(session: MysqlSession, head: LedgerHead, deps: TakeOverDeps): Promise<void> {
  const known = (await loadCatalogInTransaction(session)).tables();
  // A large ledger or table takes minutes, during which this session has nothing to do but to hold the lock.
  const { takenHead, mended } = await keptAlive(session, deps.clock, () => followAndMend(known, head, deps));
  if (mended.foreign.length > 0) {
    deps.logger.error(
      { tables: mended.foreign },
      "left alone tables whose columns are not those of ctlstore",
    );
  }
  const packing = packingFor(session.server.maxPacketBytes);
  const { appender } = mended;
  const newHead = appender.head(head.schemaVersion + 1n);
  const statements = [
    ...metaStatements({ takeover_sequence: takenHead.sequence.toString() }),
    ...publishStatements(catalogChanges(known, mended)),
    ...tailStatements({ entries: appender.entries, head: newHead, cookies: [], newFamilies: [] }, packing),
  ];
  for (const packet of packets(statements, packing)) {
    await session.execute(packet.join(";"), "take over the ledger");
  }
  const through = takenHead.sequence.toString();
  deps.logger.info(
    { through, tables: mended.tables.length, mended: mended.changes },
    "took over entries of the original",
  );
}

/** Reads and DDL go over a second connection: DDL would commit the transaction that holds the lock. */
async function followAndMend(
  known: readonly TableSchema[],
  head: LedgerHead,
  { target, logger, clock }: TakeOverDeps,
): Promise<{ takenHead: LedgerHead; mended: MendedTables }> {
  await using second = await MysqlSession.connect(target);
  using schema = new LedgerSchema(known);
  const takenHead = await followEntries(second, head, schema);
  assertNotShorter(takenHead, head);
  const mended = await mendTables(second, takenHead, schema.tables(), clock.nowUs());
  await compareByBytes(second, mended.tables, logger);
  return { takenHead, mended };
}

function assertNotShorter(takenHead: LedgerHead, head: LedgerHead): void {
  if (takenHead.sequence >= head.sequence) return;
  throw new CtlstoreError(
    "ctldb_incompatible",
    `Cannot write: the ledger ends below sequence ${head.sequence}, which was committed`,
    { hint: "its last entries were deleted, or the ctldb was restored in part: start from a whole backup" },
  );
}

/** What brings the catalog from the tables that were known to those that there are. */
function catalogChanges(known: readonly TableSchema[], { tables }: MendedTables): SchemaChange[] {
  const present = new Set(tables.map(nameOf));
  return [
    ...known
      .filter((table) => !present.has(nameOf(table)))
      .map((schema): SchemaChange => ({ kind: "drop", schema })),
    ...tables.map((schema): SchemaChange => ({ kind: "create", schema })),
  ];
}

/** Carries chain and schema over the entries after a head. */
async function followEntries(
  session: MysqlSession,
  head: LedgerHead,
  schema: LedgerSchema,
): Promise<LedgerHead> {
  let { sequence, hash } = head;
  let seenHead = head.sequence === SEQUENCE_ZERO;
  await entriesAfter(session, head.sequence, (entry: LedgerEntry) => {
    if (entry.sequence === head.sequence) {
      seenHead = true;
      return;
    }
    hash = nextLink(hash, entry);
    sequence = entry.sequence;
    schema.apply(entry);
  });
  return { sequence: seenHead ? sequence : SEQUENCE_ZERO, hash, schemaVersion: head.schemaVersion };
}

function nameOf(schema: TableSchema): string {
  return ldbTableName(schema.family, schema.table);
}

/** Gives character columns the collation that compares by bytes, table by table, where they do not have it (D3). */
async function compareByBytes(
  session: MysqlSession,
  tables: readonly TableSchema[],
  logger: Logger,
): Promise<void> {
  const { collation } = session.server;
  const rows = await session.select(
    `SELECT DISTINCT table_name FROM information_schema.columns
     WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND collation_name <> '${collation}'`,
    "look at collations",
  );
  const others = new Set(rows.map(([name]) => String(name)));
  for (const schema of tables) {
    const name = nameOf(schema);
    if (!others.has(name)) continue;
    const isKey = new Set<string>(schema.keyFields);
    const columns = schema.fields
      .filter((field) => field.type === "string" || field.type === "text")
      .map((field) => `MODIFY COLUMN ${columnDeclaration(field, isKey.has(field.name), collation)}`);
    const sql = `ALTER TABLE ${name} DEFAULT CHARACTER SET utf8mb4 COLLATE ${collation}, ${columns.join(", ")}`;
    await session.execute(sql, `change the collation of ${name}`, session.timeouts.ddlMs);
    logger.info({ table: name, collation }, "keys of this table now compare by bytes");
  }
}
