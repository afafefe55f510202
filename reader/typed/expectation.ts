/**
 * Compares the tables of an LDB with those that a program was built for.
 *
 * A program may know less than the LDB has: fields and tables that came later are no difference. What it knows must be
 * there, with the same types and the same key.
 */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { ReaderTable } from "../types.ts";
import type { SchemaDefinition, TableExpectation } from "./types.ts";

/** A table as it is in the LDB; what it is called besides does not matter. */
export type FoundTable = Pick<ReaderTable, "fields" | "keyFields">;

/** What differs, one text for each difference; none when the table can be read with the program's types. */
export function tableDifferences(expected: TableExpectation, found: FoundTable | null): string[] {
  const label = `${expected.family}/${expected.table}`;
  if (found === null) return [`table ${label} is missing`];
  const types = new Map(found.fields.map(({ name, type }) => [name, type]));
  const differences = Object.entries(expected.fields).flatMap(([name, type]) => {
    const foundType = types.get(name);
    if (foundType === type) return [];
    if (foundType === undefined) return [`${label} has no field ${quote(name)} (${type})`];
    return [`${label} has ${foundType ?? "another type"} for its field ${quote(name)}, not ${type}`];
  });
  const [key, foundKey] = [expected.keyFields.join(", "), found.keyFields.join(", ")];
  if (key !== foundKey) differences.push(`${label} has the key (${foundKey}), not (${key})`);
  return differences;
}

/** The error that names every difference. */
export function mismatchError(path: string, differences: readonly string[]): CtlstoreError {
  return new CtlstoreError(
    "schema_mismatch",
    `Cannot read the LDB at ${path} with the tables that this program was built for: ${differences.join("; ")}`,
    {
      hint: "wait until the Reflector has applied the change, or run `ctlstore codegen` again and build the program with it",
    },
  );
}

/** Those tables of a definition that were asked for. @throws CtlstoreError `config_invalid` for one that it does not have */
export function wantedTables(
  definition: SchemaDefinition,
  paths: readonly string[] | undefined,
): readonly TableExpectation[] {
  if (paths === undefined) return definition.tables;
  return paths.map((path) => {
    const found = definition.tables.find(({ family, table }) => `${family}/${table}` === path);
    if (found !== undefined) return found;
    throw new CtlstoreError(
      "config_invalid",
      `Cannot open a typed reader: ${quote(path)} is not one of the tables that it was generated for`,
    );
  });
}
