/** Tables of any legal names, words of the language and of its objects among them. */
import type { ModuleField, ModuleTable } from "../../codegen/table.ts";
import { FIELD_TYPES, TYPE_FACTS } from "../../core/field-types.ts";
import { FORMAT_LIMITS } from "../../core/limits.ts";

/** Names that mean something to TypeScript, JavaScript, SQL, or to a module of ours. */
export const LOADED_WORDS = (
  "abstract any as async await boolean break case catch class const constructor continue debugger declare default delete " +
  "do else enum export extends false finally for from function get global group if implements import in infer instanceof " +
  "interface is keyof length let module namespace never new null number object of order package private protected " +
  "prototype public readonly require return set static string super switch symbol this throw true try type typeof " +
  "undefined unique unknown using var void while with yield to_string value_of has_own_property row key schema arguments eval"
).split(" ");

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Tables whose names, or whose fields' names, are of every length at which a formatter may break a line. */
export function longNamedTables(): ModuleTable[] {
  const long = (chars: number) => LETTERS.repeat(3).slice(0, chars);
  const id = { name: "id", type: "string" } as const;
  const ofFields = Array.from({ length: FORMAT_LIMITS.fieldNameChars.max - 39 }, (_, i) => {
    const field = { name: long(40 + i), type: "bytestring" } as const;
    const table = { family: "long", fields: [field, id] };
    return [
      { ...table, table: `field_${i}`, keyFields: ["id"] },
      { ...table, table: `key_${i}`, keyFields: [field.name] },
    ];
  });
  const ofTables = Array.from({ length: 29 }, (_, i) => {
    const [family, table] = [long(30), long(3 + i)];
    return { family, table, fields: [id], keyFields: ["id"] };
  });
  return [...ofFields.flat(), ...ofTables];
}

/** A number of random tables whose names differ as the LDB names them, and often in nothing else. */
export function randomTables(random: () => number, count: number): ModuleTable[] {
  const tables = new Map<string, ModuleTable>();
  while (tables.size < count) {
    const table = randomTable(random);
    const name = `${table.family}___${table.table}`;
    if (name.length <= FORMAT_LIMITS.ldbTableNameChars) tables.set(name, table);
  }
  return [...tables.values()];
}

function randomTable(random: () => number): ModuleTable {
  const below = (bound: number) => Math.floor(random() * bound);
  const fields = new Map<string, ModuleField>();
  const count = 1 + below(6);
  while (fields.size < count) {
    const name = randomName(random, 1);
    const type = FIELD_TYPES[below(FIELD_TYPES.length)] ?? "string";
    fields.set(name, { name, type });
  }
  const all = [...fields.values()];
  const key = all.filter(({ type }) => TYPE_FACTS[type].keyBytes !== null && random() < 0.6);
  if (key.length === 0) all[0] = { name: all[0]?.name ?? "id", type: "string" };
  const keyFields = key.length === 0 ? [all[0]?.name ?? "id"] : key.map(({ name }) => name).reverse();
  return { family: randomName(random, 3), table: randomName(random, 3), fields: all, keyFields };
}

/** A legal name: a word, or letters and single underscores so few that many names nearly collide. */
function randomName(random: () => number, atLeast: number): string {
  const below = (bound: number) => Math.floor(random() * bound);
  const word = LOADED_WORDS[below(LOADED_WORDS.length)] ?? "";
  if (random() < 0.5 && word.length >= atLeast) return word;
  const few = random() < 0.8 ? "ab1" : LETTERS;
  let name = LETTERS[below(2)] ?? "a";
  const length = atLeast + below(random() < 0.1 ? 20 : 3);
  while (name.length < length) {
    if (random() < 0.4) name += "_";
    name += few[below(few.length)];
  }
  return name;
}
