/** What the ledger shows of an `EventStory`: each event's effect once, in the order of its row, whole transactions (I3, R30). */
import { Database } from "bun:sqlite";
import { BEGIN_MARKER, COMMIT_MARKER } from "../../../core/ledger/statements.ts";
import { checkLedger, readWholeLedger } from "../../support/replay-ledger.ts";
import { type Effect, type EventStory, STORY_FAMILY } from "./event-story.ts";

export interface LedgerEffects {
  /** By `table/id`. */
  readonly rows: ReadonlyMap<string, readonly Effect[]>;
  /** By the number of a write: the ledger transactions that it is in. */
  readonly places: ReadonlyMap<number, readonly number[]>;
}

const UPSERT = /^REPLACE INTO story___(\w+) \("id","n","note"\) VALUES\('(k\d+)',(\d+),/;
const DELETE = /^DELETE FROM story___(\w+) WHERE "id" = '(k\d+)'/;

export async function effectsInLedger(ctldbUrl: string): Promise<LedgerEffects> {
  const ledger = await readWholeLedger(ctldbUrl, 10_000);
  checkLedger(ledger);
  const rows = new Map<string, Effect[]>();
  const places = new Map<number, number[]>();
  let place = 0;
  let isInside = false;
  for (const { statement } of ledger.entries) {
    if (statement === BEGIN_MARKER || statement === COMMIT_MARKER) isInside = statement === BEGIN_MARKER;
    if (!isInside || statement === BEGIN_MARKER) place += 1;
    const match = UPSERT.exec(statement) ?? DELETE.exec(statement);
    if (match === null) continue;
    const [, table = "", id = "", number] = match;
    listIn(rows, `${table}/${id}`).push(number === undefined ? null : Number(number));
    if (number !== undefined) listIn(places, Number(number)).push(place);
  }
  return { rows, places };
}

function listIn<Key, Item>(lists: Map<Key, Item[]>, key: Key): Item[] {
  const list = lists.get(key);
  if (list !== undefined) return list;
  const made: Item[] = [];
  lists.set(key, made);
  return made;
}

/** A tombstone deletes again what its delete has deleted: in a row that is gone, that is no effect. */
function withoutEchoes(effects: readonly Effect[]): Effect[] {
  return effects.filter((effect, i) => effect !== null || (i > 0 && effects[i - 1] !== null));
}

/** Rows to which something else happened than the story says, as texts; at most a few. */
export function wrongRows(story: EventStory, { rows }: LedgerEffects): string[] {
  const wrong: string[] = [];
  for (const name of new Set([...story.effects.keys(), ...rows.keys()])) {
    const expected = withoutEchoes(story.effects.get(name) ?? []).join(" ");
    const found = withoutEchoes(rows.get(name) ?? []).join(" ");
    if (expected !== found) wrong.push(`${name}: should be ${expected}; is ${found}`);
  }
  return wrong.slice(0, 5);
}

/** As `wrongRows` where repeats within a batch are folded: nothing twice or out of order, and the last of each. */
export function wronglyFoldedRows(story: EventStory, { rows, places }: LedgerEffects): string[] {
  const twice = [...places]
    .filter(([, found]) => found.length > 1)
    .map(([number]) => `write ${number} is there twice`);
  const wrong = [...story.effects].flatMap(([name, expected]) => {
    const found = rows.get(name) ?? [];
    const numbers = found.filter((effect) => effect !== null);
    const isOrdered = numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0));
    return isOrdered && (found.at(-1) ?? null) === (expected.at(-1) ?? null)
      ? []
      : [`${name}: is ${found.join(" ")}`];
  });
  return [...twice, ...wrong].slice(0, 5);
}

/** Transactions of the origin that are not in one ledger transaction. */
export function tornTransactions(story: EventStory, { places }: LedgerEffects): string[] {
  const torn = story.transactions.filter((numbers) => {
    const found = new Set(numbers.map((number) => (places.get(number) ?? []).join("+")));
    return found.size > 1;
  });
  return torn.slice(0, 5).map((numbers) => `writes ${numbers.join(" ")}`);
}

/** The rows of a table in an embedded ctldb or an LDB, as one digest; and of the story, in the same form. */
export function digestOfTable(path: string, table: string): string {
  using database = new Database(path, { readonly: true });
  const rows = database
    .query<{ id: string; n: number; note: string }, []>(`SELECT id, n, note FROM ${STORY_FAMILY}___${table}`)
    .all();
  return digestOf(rows);
}

export function digestOfStory(story: EventStory, table: string): string {
  const rows = [...story.rows(table).values()];
  return digestOf(
    rows.map((row) => ({ id: String(row["id"]), n: Number(row["n"]), note: String(row["note"]) })),
  );
}

function digestOf(rows: readonly { id: string; n: number; note: string }[]): string {
  const lines = rows.map(({ id, n, note }) => JSON.stringify([id, n, note])).sort();
  return `${rows.length} rows, ${new Bun.CryptoHasher("sha256").update(lines.join("\n")).digest("hex")}`;
}
