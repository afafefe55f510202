/**
 * The proof that SQLite takes a statement as it is meant, before it reaches the ledger (I2).
 *
 * An in-memory SQLite holds the same tables, empty, each column with a CHECK on the storage class of its type. Every
 * statement of a write runs there and is rolled back: what SQLite would refuse, or store as another type, fails here.
 */
import { Database } from "bun:sqlite";
import { CtlstoreError, messageOf } from "../core/errors.ts";
import { TYPE_FACTS } from "../core/field-types.ts";
import { isSingleStatement } from "../core/ledger/single-statement.ts";
import { ldbTableName } from "../core/names.ts";
import type { Catalog, TableSchema } from "../core/schema.ts";
import { doubleQuoted } from "../core/sql/identifiers.ts";
import { schemaStatements } from "./ledger-tail.ts";
import type { RowOperation, SchemaChange } from "./store.ts";

export class Proof implements Disposable {
  #db = new Database(":memory:");
  #version: bigint | null = null;

  /** @throws CtlstoreError `invalid_value` with the `index` of the statement that SQLite refuses */
  check(operations: readonly RowOperation[], catalog: Catalog): void {
    if (this.#version !== catalog.version) this.#rebuild(catalog);
    this.#db.run("BEGIN");
    try {
      for (const [index, operation] of operations.entries()) this.#run(operation.statement, index);
    } finally {
      this.#db.run("ROLLBACK");
    }
  }

  /**
   * The same for changes of tables.
   * @throws CtlstoreError `invalid_schema` when SQLite refuses one: a field `rowid` can be created, but not added
   */
  checkSchema(changes: readonly SchemaChange[], catalog: Catalog): void {
    if (this.#version !== catalog.version) this.#rebuild(catalog);
    this.#db.run("BEGIN");
    try {
      for (const statement of changes.flatMap(schemaStatements)) this.#db.run(statement);
    } catch (cause) {
      const reason = messageOf(cause);
      throw new CtlstoreError("invalid_schema", `Cannot change the schema: SQLite refuses it: ${reason}`, {
        cause,
      });
    } finally {
      this.#db.run("ROLLBACK");
    }
  }

  #run(sql: string, index: number): void {
    if (!isSingleStatement(sql)) {
      throw new CtlstoreError("internal", "Cannot write a mutation: it became more than one statement", {
        index,
      });
    }
    try {
      const statement = this.#db.prepare(sql);
      try {
        statement.run();
      } finally {
        statement.finalize();
      }
    } catch (cause) {
      const reason = messageOf(cause);
      throw new CtlstoreError(
        "invalid_value",
        `Cannot write mutation ${index}: SQLite refuses it: ${reason}`,
        { index, cause },
      );
    }
  }

  #rebuild(catalog: Catalog): void {
    this.#db.close();
    this.#db = new Database(":memory:");
    this.#db.run("BEGIN");
    for (const schema of catalog.tables()) this.#db.run(proofTable(schema));
    this.#db.run("COMMIT");
    this.#version = catalog.version;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

function proofTable(schema: TableSchema): string {
  const isKey = new Set<string>(schema.keyFields);
  const columns = schema.fields.map((field) => {
    const name = doubleQuoted(field.name);
    const { sqlite, storage } = TYPE_FACTS[field.type];
    const allowed = isKey.has(field.name) ? `'${storage}'` : `'${storage}','null'`;
    return `${name} ${sqlite} CHECK (typeof(${name}) IN (${allowed}))`;
  });
  const key = schema.keyFields.map(doubleQuoted).join(",");
  return `CREATE TABLE ${ldbTableName(schema.family, schema.table)} (${columns.join(", ")}, PRIMARY KEY(${key}))`;
}
