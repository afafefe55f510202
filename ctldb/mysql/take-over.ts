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
import { createTableStatement } from "../../core/ledger/statements.ts";
import { CTLDB_TIMEOUTS } from "../../core/limits.ts";
import { ldbTableName, splitLdbTableName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { TableSchema } from "../../core/schema.ts";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { EntryAppender } from "../ledger-tail.ts";
import { LedgerSchema } from "../legacy-schema.ts";
import type { FoundTable, LedgerHead, SchemaChange } from "../store.ts";
import { entriesAfter } from "./entries.ts";
import { findTables, rowOperations } from "./found-tables.ts";
import { packets, tailStatements } from "./render.ts";
import { loadCatalogInTransaction } from "./rows.ts";
import { columnDeclaration, publishStatements } from "./schema-changes.ts";
import { MysqlSession } from "./session.ts";
import {
  assertFormat,
  CTLDB_FORMAT_VERSION,
  createSystemTables,
  metaStatements,
  readMeta,
} from "./tables.ts";

export interface TakeOverDeps {
  readonly url: URL;
  readonly logger: Logger;
  readonly clock: Clock;
}

const LOCK = "BEGIN;UPDATE locks SET clock = clock + 1 WHERE id = 'ledger'";

/** Brings the ctldb to today's form, taking over what the original left. Returns the epoch. */
export async function initialise(session: MysqlSession, deps: TakeOverDeps): Promise<string> {
  const initLock = textLiteral(`ctlstore_init_${session.database}`.slice(0, 64));
  await session.execute(
    `SELECT GET_LOCK(${initLock}, ${CTLDB_TIMEOUTS.lockWaitSeconds * 6})`,
    "wait for another start",
    CTLDB_TIMEOUTS.ddlMs,
  );
  try {
    await createSystemTables(session);
    await session.execute(LOCK, "take the ledger lock");
    const meta = await readMeta(session);
    assertFormat(meta);
    const epoch = meta.get("epoch") ?? (await beginEpoch(session, deps));
    await session.execute("COMMIT", "initialise the ctldb");
    return epoch;
  } finally {
    await session.run(`DO RELEASE_LOCK(${initLock})`).catch(() => session.destroy());
  }
}

async function beginEpoch(session: MysqlSession, deps: TakeOverDeps): Promise<string> {
  const epoch = randomBytes(16).toString("hex");
  const [ledger] = await session.select(
    "SELECT EXISTS(SELECT 1 FROM ctlstore_dml_ledger)",
    "look at the ledger",
  );
  const isNew = Number(ledger?.[0]) === 0 && (await findTables(session)).length === 0;
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
    ...tailStatements({ entries: [], head, cookies: [], newFamilies: [] }),
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
    await session.run("ROLLBACK").catch(() => session.destroy());
    throw error;
  }
}

async function takeOverUnderLock(session: MysqlSession, head: LedgerHead, deps: TakeOverDeps): Promise<void> {
  await using second = await MysqlSession.connect(deps.url);
  const catalog = await loadCatalogInTransaction(session);
  using schema = new LedgerSchema();
  for (const known of catalog.tables()) schema.apply(createTableStatement(known));
  const takenHead = await followEntries(second, head, schema);
  if (takenHead.sequence < head.sequence) {
    throw new CtlstoreError(
      "ctldb_incompatible",
      `Cannot write: the ledger ends below sequence ${head.sequence}, which was committed`,
      {
        hint: "its last entries were deleted, or the ctldb was restored in part: start from a whole backup",
      },
    );
  }
  const { changes, published, appender } = await mendDifferences(second, takenHead, schema.tables(), deps);
  await compareByBytes(second, published, deps.logger);
  const newHead = appender.head(head.schemaVersion + 1n);
  const dropped = catalog.tables().filter((old) => !published.some((table) => nameOf(table) === nameOf(old)));
  const statements = [
    ...metaStatements({ takeover_sequence: takenHead.sequence.toString() }),
    ...publishStatements([
      ...dropped.map((table): SchemaChange => ({ kind: "drop", schema: table })),
      ...published.map((table): SchemaChange => ({ kind: "create", schema: table })),
    ]),
    ...tailStatements({ entries: appender.entries, head: newHead, cookies: [], newFamilies: [] }),
  ];
  for (const packet of packets(statements, 1024 * 1024))
    await session.execute(packet.join(";"), "take over the ledger");
  deps.logger.info(
    { through: takenHead.sequence.toString(), tables: published.length, mended: changes },
    "took over entries of the original",
  );
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
    schema.apply(entry.statement);
  });
  return { sequence: seenHead ? sequence : SEQUENCE_ZERO, hash, schemaVersion: head.schemaVersion };
}

interface Mended {
  readonly changes: string[];
  readonly published: TableSchema[];
  readonly appender: EntryAppender;
}

/** Writes entries that make the LDBs' tables those of MySQL, and says which tables there are then. */
async function mendDifferences(
  session: MysqlSession,
  head: LedgerHead,
  ledgerTables: FoundTable[],
  deps: TakeOverDeps,
): Promise<Mended> {
  const appender = new EntryAppender(head, deps.clock.nowUs());
  const changes: string[] = [];
  const published: TableSchema[] = [];
  const inLedger = new Map(ledgerTables.map((table) => [table.name, table]));
  for (const found of await findTables(session)) {
    const known = inLedger.get(found.name);
    inLedger.delete(found.name);
    const schema = toSchema(found);
    if (schema === null) continue;
    if (known === undefined) {
      changes.push(`create ${found.name}`);
      appender.appendSchemaChange({ kind: "create", schema });
      for (const operation of await rowOperations(session, schema)) appender.appendWrite([operation], null);
      published.push(schema);
      continue;
    }
    const mended = mendFields(known, schema, appender);
    changes.push(...mended.changes);
    if (mended.schema === null)
      deps.logger.error({ table: found.name }, "left out a table whose key differs between ledger and MySQL");
    else published.push(mended.schema);
  }
  for (const gone of inLedger.values()) {
    const schema = toSchema(gone);
    if (schema === null) continue;
    changes.push(`drop ${gone.name}`);
    appender.appendSchemaChange({ kind: "drop", schema });
  }
  return { changes, published, appender };
}

function mendFields(
  known: FoundTable,
  found: TableSchema,
  appender: EntryAppender,
): { changes: string[]; schema: TableSchema | null } {
  const sameKey = known.keyFields.join() === found.keyFields.join();
  const sameTypes = known.fields.every((field) =>
    found.fields.some((other) => other.name === field.name && other.type === field.type),
  );
  if (!sameKey || !sameTypes) return { changes: [], schema: null };
  const added = found.fields.filter((field) => !known.fields.some((other) => other.name === field.name));
  const schema: TableSchema = { ...found, fields: [...known.fields, ...added] };
  if (added.length > 0) appender.appendSchemaChange({ kind: "add-fields", schema, added });
  return { changes: added.map((field) => `add ${known.name}.${field.name}`), schema };
}

function toSchema(found: FoundTable): TableSchema | null {
  const names = splitLdbTableName(found.name);
  return names === null || found.keyFields.length === 0
    ? null
    : { ...names, fields: found.fields, keyFields: found.keyFields };
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
    await session.execute(sql, `change the collation of ${name}`, CTLDB_TIMEOUTS.ddlMs);
    logger.info({ table: name, collation }, "keys of this table now compare by bytes");
  }
}
