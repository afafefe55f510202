/**
 * Finds the imports of a TypeScript file, type-only ones included, which `Bun.Transpiler` leaves out.
 *
 * A scanner, not a parser: it drops comments and template strings and looks for the forms that an import can have.
 */

export interface FoundImport {
  /** As written: "./names.ts", "node:fs", "valibot". */
  readonly specifier: string;
  /** True for `import type … from` and `export type … from`, which leave no trace at run time. */
  readonly typeOnly: boolean;
}

/** Comments, template strings and strings: the longest match first, so that each hides what is inside of it. */
const LEXEMES = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|`(?:\\[\s\S]|[^`\\])*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`. */
const IMPORT =
  /\b(?:(import|export)\s+(type\s+(?!from\b|,))?[\w\s{},*$]*?\bfrom\s*|import\s*\(\s*|import\s*)["']([^"'\n]+)["']/g;

export function scanImports(source: string): FoundImport[] {
  const code = source.replace(LEXEMES, (lexeme) => (/^["']/.test(lexeme) ? lexeme : " "));
  return [...code.matchAll(IMPORT)].map(([, , type, specifier = ""]) => ({
    specifier,
    typeOnly: type !== undefined,
  }));
}
