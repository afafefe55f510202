/**
 * Opens a reader whose tables have been compared with those that the program was built for.
 *
 * The reader is the plain one, so a read costs the same: tables are compared when the reader looks at their shape, which
 * it does once and again after each change of the LDB's schema.
 */
import { shortSchemaFingerprint } from "../../core/digest/schema-fingerprint.ts";
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { systemClock } from "../../core/process/clock.ts";
import type { LdbDriver } from "../../ldb/connection.ts";
import { openReaderWith } from "../open-reader.ts";
import type { ShapeCheck } from "../session.ts";
import type { LdbReader, LdbReads, ReaderTable, WaitOptions } from "../types.ts";
import { mismatchError, tableDifferences, wantedTables } from "./expectation.ts";
import type {
  SchemaDefinition,
  TableExpectation,
  TypedReader,
  TypedReaderOptions,
  TypedTables,
} from "./types.ts";

/**
 * @throws CtlstoreError what `openReader` throws; `ldb_empty`, `ldb_incompatible`; `schema_mismatch` naming each difference
 */
export function openCheckedReaderWith<S extends TypedTables>(
  driver: LdbDriver,
  definition: SchemaDefinition,
  { tables, ...options }: TypedReaderOptions<S>,
): TypedReader<S> {
  const wanted = wantedTables(definition, tables);
  // Differences that are there already are gathered below, to be told all at once.
  let check: ShapeCheck = () => {};
  const reader = openReaderWith(
    driver,
    { ...options, integers: definition.integers },
    { checkShape: (name, shape) => check(name, shape) },
  );
  try {
    const differences = schemaDifferences(reader, definition, wanted);
    if (differences.length > 0) throw mismatchError(options.path, differences);
  } catch (error) {
    reader.close();
    throw error;
  }
  check = shapeCheck(definition, options.path);
  return reader as unknown as TypedReader<S>; // its tables are those of S, as far as S is what the definition says
}

/** Compares one table whenever its shape is read, which is before the first read of it after a change. */
function shapeCheck(definition: SchemaDefinition, path: string): ShapeCheck {
  const expected = new Map(definition.tables.map((table) => [`${table.family}___${table.table}`, table]));
  return (name, shape) => {
    const table = expected.get(name);
    const differences = table === undefined ? [] : tableDifferences(table, shape);
    if (differences.length > 0) throw mismatchError(path, differences);
  };
}

function schemaDifferences(
  reader: LdbReader,
  definition: SchemaDefinition,
  wanted: readonly TableExpectation[],
): string[] {
  // An empty LDB is this read's error: its tables are not missing, they are not known.
  const found = reader.snapshot((reads) => wanted.map((table) => findTable(reads, table)));
  const isWhole = wanted === definition.tables && found.every((table) => table !== null);
  if (isWhole && shortSchemaFingerprint(found) === definition.fingerprint) return [];
  return wanted.flatMap((table, i) => tableDifferences(table, found[i] ?? null));
}

function findTable(reads: LdbReads, { family, table }: TableExpectation): ReaderTable | null {
  try {
    return reads.tableSchema(family, table);
  } catch (error) {
    if (isCtlstoreError(error) && error.code === "unknown_table") return null;
    throw error;
  }
}

/** States that a host goes through by itself while its Reflector starts, catches up, or applies a change of tables. */
const MAY_COME = new Set<string>(["ldb_not_found", "ldb_empty", "ldb_unavailable", "schema_mismatch"]);

/** How often the LDB is looked at: opening costs a millisecond, and whoever waits for a Reflector waits for seconds. */
const LOOK_INTERVAL_MS = 50;

/**
 * @throws CtlstoreError what kept it from opening when the time was over, or at once what will not pass by itself; the
 *   signal's reason when aborted
 */
export async function waitForCheckedReaderWith<S extends TypedTables>(
  openWith: (options: TypedReaderOptions<S>) => TypedReader<S>,
  given: TypedReaderOptions<S>,
  { timeoutMs, signal }: WaitOptions,
): Promise<TypedReader<S>> {
  const options = { ...given, ...warningOnce(given.onWarning) };
  if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs must be a number of at least 0, not ${timeoutMs}`);
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return openWith(options);
    } catch (error) {
      const leftMs = deadlineMs - performance.now();
      if (!mayCome(error) || leftMs <= 0) throw error;
      await systemClock.sleep(Math.min(LOOK_INTERVAL_MS, leftMs), signal);
    }
  }
}

/** The runtime's SQLite is as old as before at each attempt, of which there are twenty a second. */
function warningOnce(
  onWarning: TypedReaderOptions<TypedTables>["onWarning"],
): Pick<TypedReaderOptions<TypedTables>, "onWarning"> {
  if (onWarning === undefined) return {};
  let isTold = false;
  return {
    onWarning: (warning) => {
      if (isTold && warning.code === "old_sqlite") return;
      isTold ||= warning.code === "old_sqlite";
      onWarning(warning);
    },
  };
}

function mayCome(error: unknown): error is CtlstoreError {
  return isCtlstoreError(error) && MAY_COME.has(error.code);
}
