/** Readers of tables, as somebody has declared them: whoever changes a table can ask them. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import type { FamilyName, OperatorName, TableName } from "../../core/names.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerStore, SystemRow } from "../store.ts";
import { UNNAMED_ACTOR } from "./audit-entry.ts";
import type { ChangeOptions, DeclaredReader, DeclaredReaders } from "./contract.ts";
import { forgetReaders, selectReaders } from "./reader-rows.ts";
import { type ChangeDeps, recordedChange } from "./recorded-change.ts";

export interface ReadersDeps extends ChangeDeps {
  readonly store: LedgerStore;
}

const CONTROL_CHARACTER = /\p{Cc}/u;

export class LedgerDeclaredReaders implements DeclaredReaders {
  readonly #deps: ReadersDeps;

  constructor(deps: ReadersDeps) {
    this.#deps = deps;
  }

  async list(family: FamilyName, table: TableName): Promise<DeclaredReader[]> {
    const { store, ledger, assertOpen } = this.#deps;
    assertOpen();
    (await ledger.newestCatalog()).table(family, table);
    const rows = await store.query(selectReaders(family, table));
    return rows.map(readerOf).sort((a, b) => (a.reader < b.reader ? -1 : 1));
  }

  async declare(
    family: FamilyName,
    table: TableName,
    { reader, contact }: Pick<DeclaredReader, "reader" | "contact">,
    options: ChangeOptions = {},
  ): Promise<void> {
    const { actor = UNNAMED_ACTOR } = options;
    assertContact(contact);
    const isSame = (other: DeclaredReader) => other.reader === reader && other.contact === contact;
    // Services declare themselves at each start: that takes no lock when nothing is to be done.
    if ((await this.list(family, table)).some(isSame)) return;
    const { ledger, clock } = this.#deps;
    await recordedChange(
      this.#deps,
      async (locked) => {
        (await ledger.catalogUnder(locked)).table(family, table);
        const declared = (await locked.query(selectReaders(family, table))).map(readerOf);
        if (declared.some(isSame)) return null;
        assertRoom(declared, reader);
        const cells = [
          ...[family, table, reader].map(textLiteral),
          contact === null ? "NULL" : textLiteral(contact),
          String(clock.nowUs()),
          textLiteral(actor),
        ];
        const replace = `REPLACE INTO ctlstore_readers (family_name, table_name, reader, contact, declared_us, declared_by) VALUES (${cells.join(",")})`;
        const record = { actor, action: "reader.declare", detail: { reader, contact } } as const;
        return { statements: [replace], record: { ...record, target: `${family}/${table}` } };
      },
      options,
    );
  }

  async withdraw(
    family: FamilyName,
    table: TableName,
    reader: OperatorName,
    options: ChangeOptions = {},
  ): Promise<void> {
    const { actor = UNNAMED_ACTOR } = options;
    await recordedChange(
      this.#deps,
      async (locked) => {
        const declared = (await locked.query(selectReaders(family, table))).map(readerOf);
        if (!declared.some((other) => other.reader === reader)) throw unknownReader(family, table, reader);
        const record = { actor, action: "reader.withdraw", detail: { reader } } as const;
        return {
          statements: [`${forgetReaders(family, table)} AND reader = ${textLiteral(reader)}`],
          record: { ...record, target: `${family}/${table}` },
        };
      },
      options,
    );
  }
}

function readerOf([reader, contact, declaredUs, declaredBy]: SystemRow): DeclaredReader {
  return {
    reader: String(reader) as OperatorName, // parsed when it was declared
    contact: contact === null ? null : String(contact),
    declaredUs: Number(declaredUs),
    declaredBy: String(declaredBy),
  };
}

function assertContact(contact: string | null): void {
  const most = ACCESS_LIMITS.contactChars;
  if (contact === null) return;
  if (contact.length <= most && contact.isWellFormed() && !CONTROL_CHARACTER.test(contact)) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot use ${quote(contact)} as a contact: it needs at most ${most} characters, all of them printable`,
    { field: "contact" },
  );
}

function assertRoom(declared: readonly DeclaredReader[], reader: OperatorName): void {
  const most = ACCESS_LIMITS.readersPerTable;
  if (declared.length < most || declared.some((other) => other.reader === reader)) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot declare reader ${quote(reader)}: ${declared.length} are declared, which is the most for one table`,
  );
}

function unknownReader(family: FamilyName, table: TableName, reader: OperatorName): CtlstoreError {
  return new CtlstoreError(
    "unknown_reader",
    `Cannot find reader ${quote(reader)} of ${family}/${table}: nobody declared it`,
  );
}
