/** POST /get-rows-by-keys: rows of several tables, all of one committed state. */
import { CtlstoreError } from "../../core/errors.ts";
import type { StateReads } from "../../reader/stated/stated-reader.ts";
import type { Call } from "../call.ts";
import { readsOfBody, type TableKeys } from "../key-body.ts";
import { rowJsonOf } from "../row-json.ts";
import { tooMuchHeld } from "../stream-budget.ts";

/** Keys that are looked up before the size of the answer is looked at. */
const KEYS_AT_A_TIME = 64;

export async function rowsByKeys(call: Call): Promise<Response> {
  const wanted = readsOfBody(await call.body());
  await call.sequenceReached();
  const { access, meter, limits, rest } = call.context;
  const answer = access.reader.inOneState((reads) => {
    const found = new KeyedAnswer(reads, { mostBytes: limits.keyedAnswerBytes, roomBytes: rest.room });
    for (const read of wanted) found.add(read);
    return found;
  });
  meter.rows(answer.rows);
  return call.answer(answer.facts, answer.text());
}

interface KeyedAnswerLimits {
  readonly mostBytes: number;
  /** What the memory that all answers share has left now: what is longer need not be made. */
  readonly roomBytes: number;
}

class KeyedAnswer {
  readonly #reads: StateReads;
  readonly #limits: KeyedAnswerLimits;
  readonly #results: string[] = [];
  #bytes = 0;
  rows = 0;

  constructor(reads: StateReads, limits: KeyedAnswerLimits) {
    this.#reads = reads;
    this.#limits = limits;
  }

  get facts() {
    return this.#reads.facts;
  }

  add({ family, table, keys }: TableKeys): void {
    const rows: string[] = [];
    // Also without keys: a table that is not there is an error.
    for (let from = 0; from === 0 || from < keys.length; from += KEYS_AT_A_TIME) {
      const found = this.#reads.rowsByKeys(family, table, keys.slice(from, from + KEYS_AT_A_TIME));
      const rowJson = rowJsonOf(found.shape);
      for (const row of found.rows) {
        if (row !== null) this.rows += 1;
        rows.push(this.#counted(row === null ? "null" : rowJson(row)));
      }
    }
    const names = `{"family":${JSON.stringify(family)},"table":${JSON.stringify(table)},"rows":[`;
    this.#results.push(`${names}${rows.join(",")}]}`);
  }

  text(): string {
    return `{"sequence":${this.facts.sequence},"results":[${this.#results.join(",")}]}`;
  }

  /** @throws CtlstoreError `request_too_large`, `overloaded` */
  #counted(text: string): string {
    const { mostBytes, roomBytes } = this.#limits;
    this.#bytes += text.length;
    if (this.#bytes > mostBytes) throw tooLarge(mostBytes);
    if (this.#bytes > roomBytes) throw tooMuchHeld();
    return text;
  }
}

function tooLarge(mostBytes: number): CtlstoreError {
  return new CtlstoreError(
    "request_too_large",
    `Cannot answer: the rows are more than ${mostBytes} bytes of JSON`,
    { hint: "ask for fewer keys at a time" },
  );
}
