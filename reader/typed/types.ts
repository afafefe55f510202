/**
 * The words of typed readers: what a module written by `ctlstore codegen` says about its tables, and the reader that
 * follows from it. All of it is types; at run time a typed reader is the plain one.
 */
import type { FieldType } from "../../core/field-types.ts";
import type {
  Changes,
  ChangesOptions,
  Invalidation,
  Key,
  LdbReader,
  LdbReads,
  ReaderOptions,
  RowChange,
  TableChange,
} from "../types.ts";

/** A table of a schema: the type of its rows, and that of its keys as a tuple in key order. */
export interface TypedTable {
  readonly row: object;
  readonly key: readonly unknown[];
}

/** The tables that a program was built for, by family and table. */
export type TypedTables = Readonly<Record<string, Readonly<Record<string, TypedTable>>>>;

/** Names of the families. */
export type FamilyOf<S extends TypedTables> = keyof S & string;
/** Names of the tables of a family. */
export type TableOf<S extends TypedTables, F extends FamilyOf<S>> = keyof S[F] & string;
/** A row of a table. */
export type RowOf<S extends TypedTables, F extends FamilyOf<S>, T extends TableOf<S, F>> = S[F][T]["row"];
/** A whole key of a table, in key order. */
export type KeyOf<S extends TypedTables, F extends FamilyOf<S>, T extends TableOf<S, F>> = S[F][T]["key"];
/** `family/table` of every table. */
export type TablePathOf<S extends TypedTables> = {
  [F in FamilyOf<S>]: `${F}/${TableOf<S, F>}`;
}[FamilyOf<S>];

/** The first parts of a key, from none to all of them. */
export type KeyPrefix<K extends readonly unknown[]> = K extends readonly [...infer Head, unknown]
  ? K | KeyPrefix<Head>
  : readonly [];

/** A whole key; one of one part may stand alone. */
export type TypedKey<K extends readonly unknown[]> =
  | Readonly<K>
  | (K extends readonly [infer Only extends Key] ? Only : never);

/** The reads of `LdbReads`, for the tables of a schema. What they throw is listed there and at `TypedReader`. */
export interface TypedReads<S extends TypedTables>
  extends Omit<LdbReads, "getRowByKey" | "getRows" | "getRowsByKeyPrefix"> {
  /** The row with this key, or null when there is none. */
  getRowByKey<F extends keyof S & string, T extends keyof S[F] & string>(
    family: F,
    table: T,
    ...key: KeyOf<S, F, T>
  ): RowOf<S, F, T> | null;

  /** The rows with these keys, all of one committed state: one element per key, null where there is no row. */
  getRows<F extends keyof S & string, T extends keyof S[F] & string>(
    family: F,
    table: T,
    keys: readonly TypedKey<KeyOf<S, F, T>>[],
  ): (RowOf<S, F, T> | null)[];

  /** The rows whose key begins with these parts, in key order, all of one committed state; no parts means all rows. */
  getRowsByKeyPrefix<F extends keyof S & string, T extends keyof S[F] & string>(
    family: F,
    table: T,
    ...prefix: KeyPrefix<KeyOf<S, F, T>>
  ): IterableIterator<RowOf<S, F, T>>;
}

/** A change of a row, with the key as its table has it. */
export interface TypedRowChange<F, T, K extends readonly unknown[]>
  extends Omit<RowChange, "family" | "table" | "key"> {
  readonly family: F;
  readonly table: T;
  /** As `getRowByKey` takes it: `reader.getRowByKey(family, table, ...change.key)`. */
  readonly key: Readonly<K>;
}

/** What comes when the changes of one table are followed. */
export type TypedChange<S extends TypedTables, F extends FamilyOf<S>, T extends TableOf<S, F>> =
  | TypedRowChange<F, T, KeyOf<S, F, T>>
  | (TableChange & { readonly family: F; readonly table: T })
  | Invalidation;

/** `Changes` of one table. */
export interface TypedChanges<Event>
  extends AsyncIterableIterator<Event>,
    Pick<Changes, "cursor">,
    AsyncDisposable {
  next(): Promise<IteratorResult<Event, undefined>>;
  return(): Promise<IteratorResult<Event, undefined>>;
  [Symbol.asyncIterator](): TypedChanges<Event>;
}

/** `ChangesOptions` for one table. */
export interface TypedChangesOptions<F, T> extends Omit<ChangesOptions, "family" | "table"> {
  readonly family: F;
  readonly table: T;
}

/**
 * An `LdbReader` whose tables, keys and fields are known to the compiler, and were found in the LDB when it was opened.
 *
 * When tables change while it is open, each is compared again before its next read. Additional fields and tables are no
 * matter; reads of a table that no longer is what the program was built for throw `schema_mismatch`, until it is again.
 * Reads of the others go on.
 */
export interface TypedReader<S extends TypedTables>
  extends TypedReads<S>,
    Omit<LdbReader, "snapshot" | "changes" | keyof LdbReads> {
  /** Runs several reads on one committed state; see `LdbReader`. */
  snapshot<Result>(read: (reads: TypedReads<S>) => Result): Result;

  /**
   * The keys of one table that change, typed as its keys are; see `LdbReader`. They are as the changelog has them: after
   * a "drop" the table may come back with another key, and reads of it throw `schema_mismatch` then.
   */
  changes<F extends keyof S & string, T extends keyof S[F] & string>(
    options: TypedChangesOptions<F, T>,
  ): TypedChanges<TypedChange<S, F, T>>;
  /** The changes of several tables, and of those that the program does not know. */
  changes(options?: ChangesOptions & { readonly table?: never }): Changes;
}

/** Options of a typed reader. How integers come is part of the generated types. */
export interface TypedReaderOptions<S extends TypedTables> extends Omit<ReaderOptions, "integers"> {
  /**
   * The tables that must fit when the reader is opened, as `family/table`; all unless told. For a program that uses a
   * part of a module: another table is compared at its first read.
   */
  readonly tables?: readonly TablePathOf<S>[];
}

/** A table as the program expects it. */
export interface TableExpectation {
  readonly family: string;
  readonly table: string;
  readonly fields: Readonly<Record<string, FieldType>>;
  /** In key order. */
  readonly keyFields: readonly string[];
}

/** What a generated module holds at run time, to be compared with an LDB. */
export interface SchemaDefinition {
  /** The first 32 hex digits of the fingerprint of these tables. */
  readonly fingerprint: string;
  readonly integers: "number" | "bigint";
  readonly tables: readonly TableExpectation[];
}
