/**
 * Names of types in a module.
 *
 * All end in `Row` or `Key`, so none is a word of the language, and none is one of the module's own names.
 */
import type { ModuleTable } from "./table.ts";

/** `shop/order_lines` is `ShopOrderLines`. */
function pascalCase({ family, table }: Pick<ModuleTable, "family" | "table">): string {
  return `${family}_${table}`
    .split("_")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

/** `Shop___order_lines`: as the LDB names the table, so no two tables share one, and no name above has an underscore. */
function exactName({ family, table }: Pick<ModuleTable, "family" | "table">): string {
  const name = `${family}___${table}`;
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

/**
 * The stem of each table's type names, in the order of the tables. Where two tables would share one (`ab/c_de` and
 * `ab_c/de`), both have their exact names, so that none depends on which of them was there first.
 */
export function typeNames(tables: readonly ModuleTable[]): string[] {
  const counts = new Map<string, number>();
  for (const table of tables) {
    const name = pascalCase(table);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return tables.map((table) => {
    const name = pascalCase(table);
    return counts.get(name) === 1 ? name : exactName(table);
  });
}

/** A member's name: bare where the language allows it, which it does for each name that ctlstore allows. */
export function memberName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** Words that cannot, or in some compiler might not, name an element of a tuple. */
const RESERVED = new Set(
  (
    "abstract asserts await break case catch class const continue debugger default delete do else enum export extends false " +
    "finally for function if implements import in infer instanceof interface keyof let new null package private protected " +
    "public readonly return static super switch this throw true try typeof unique var void while with yield"
  ).split(" "),
);

/** An element's name in a tuple. It is there for people, and cannot be quoted. */
export function elementName(name: string, index: number): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `part${index + 1}`;
  return RESERVED.has(name) ? `${name}_` : name;
}
