/** A changelog written by hand, as a Reflector would beside the LDB of a `SampleFolder`. */
import { appendFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ChangeEvent, Changes } from "../../../reader/types.ts";

export interface SampleLine {
  readonly seq: number | string;
  readonly kind?: string;
  readonly family?: string;
  readonly table?: string;
  readonly key?: readonly { readonly name: string; readonly type: string; readonly value: unknown }[];
}

/** A line about the row of `fam/t1` with this id. */
export function row(seq: number, id: number, kind = "upsert"): SampleLine {
  return { seq, kind, key: [{ name: "id", type: "integer", value: id }] };
}

export function lineText({ seq, ...given }: SampleLine, end: boolean): string {
  const line = { family: "fam", table: "t1", key: [], kind: "upsert", ...given, ...(end ? { end } : {}) };
  // The sequence as it is given: JSON.stringify would round one that only fits a bigint.
  return `{"seq":${seq},${JSON.stringify(line).slice(1)}\n`;
}

/** The lines of one ledger transaction. */
export function transactionText(lines: readonly SampleLine[]): string {
  return lines.map((line, i) => lineText(line, i === lines.length - 1)).join("");
}

export class SampleChangelog {
  readonly path: string;
  history: string;
  #file = 0;

  constructor(folder: string, options: { readonly history?: string; readonly seq?: number } = {}) {
    this.path = join(folder, "change.log");
    this.history = options.history ?? "00000000000000a1";
    this.#begin(options.seq ?? 0);
  }

  #begin(seq: number): void {
    this.#file += 1;
    writeFileSync(`${this.path}.next`, this.headerText(seq));
    renameSync(`${this.path}.next`, this.path);
  }

  headerText(seq: number, format = 1): string {
    const header = { seq, family: "", table: "", key: [], kind: "file", format, history: this.history };
    return `${JSON.stringify({ ...header, file: this.#file })}\n`;
  }

  get fileNumber(): number {
    return this.#file;
  }

  /** One ledger transaction. */
  append(...lines: SampleLine[]): void {
    this.write(transactionText(lines));
  }

  write(text: string): void {
    appendFileSync(this.path, text);
  }

  /** The two steps of a rotation. */
  putAside(): void {
    renameSync(this.path, `${this.path}.${this.#file}`);
  }

  goOn(seq: number): void {
    this.#begin(seq);
  }

  rotate(seq: number): void {
    this.putAside();
    this.goOn(seq);
  }

  forget(fileNumber: number): void {
    rmSync(`${this.path}.${fileNumber}`);
  }

  /** A break: another history from this sequence on. */
  reset(history: string, seq: number): void {
    this.history = history;
    this.#begin(seq);
    const folder = join(this.path, "..");
    for (const name of readdirSync(folder)) if (/^change\.log\.\d+$/.test(name)) rmSync(join(folder, name));
  }
}

const DEADLINE_MS = 20_000;

/** The next event. @throws Error when none comes */
export async function nextEvent(changes: Changes): Promise<ChangeEvent> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("waited in vain for an event")), DEADLINE_MS);
  });
  try {
    const { done, value } = await Promise.race([changes.next(), late]);
    if (done === true) throw new Error("the iteration is over");
    return value;
  } finally {
    clearTimeout(timer);
  }
}

export async function nextEvents(changes: Changes, count: number): Promise<ChangeEvent[]> {
  const events: ChangeEvent[] = [];
  while (events.length < count) events.push(await nextEvent(changes));
  return events;
}

/** An event in few letters: `upsert 3`, `delete 3.` (the last one of its transaction), `clear`, `invalidate reset`. */
export function brief(event: ChangeEvent): string {
  const end = event.last ? "." : "";
  switch (event.kind) {
    case "upsert":
    case "delete":
      return `${event.kind} ${event.key.join("/")}${end}`;
    case "invalidate":
      return `invalidate ${event.reason}`;
    default:
      return `${event.kind}${end}`;
  }
}
