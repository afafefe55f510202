/** `ctlstore ledger tail`: the last entries of the ledger, and those that come. */

import { CtlstoreError } from "../../core/errors.ts";
import { TAIL_LIMITS } from "../../core/limits.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { toSequence } from "../../core/sequence.ts";
import { type CommandContext, command } from "../command.ts";
import { EntryLines } from "../inspection/entry-lines.ts";
import {
  type EntriesAfterOptions,
  entriesAfter,
  type LedgerEntry,
  type LedgerFilter,
  lastEntries,
} from "../inspection/ledger-pages.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { type OptionValues, option, switchOption } from "../options.ts";
import { integer } from "../parsers.ts";
import { jsonText } from "../print.ts";

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  follow: switchOption({ flag: "follow", short: "f", help: "then print what comes, until it is stopped" }),
  lines: option<number, undefined>({
    flag: "lines",
    short: "n",
    placeholder: "N",
    help: `the last N entries (${TAIL_LIMITS.lines.default} unless given); with --after the first N after it, then it ends`,
    parse: integer({ min: 0, max: TAIL_LIMITS.lines.max }),
    fallback: undefined,
  }),
  after: option<bigint, undefined>({
    flag: "after",
    placeholder: "SEQ",
    help: "begin after this sequence; 0 is the ledger's beginning",
    parse: toSequence,
    fallback: undefined,
    onlyFlag: true,
  }),
  family: option<string, undefined>({
    flag: "family",
    placeholder: "FAMILY",
    help: "only entries of this family",
    parse: parseFamilyName,
    fallback: undefined,
    onlyFlag: true,
  }),
  table: option<string, undefined>({
    flag: "table",
    placeholder: "TABLE",
    help: "only entries of this table of --family",
    parse: parseTableName,
    fallback: undefined,
    onlyFlag: true,
  }),
  full: switchOption({ flag: "full", help: "print statements as long as they are" }),
};

export const ledgerTailCommand = command({
  name: "ledger tail",
  summary: "print the last entries of the ledger, and with -f those that come",
  details:
    "A line is: time, sequence, writer, table, kind, statement; cut to the width of a terminal, unless --full is given. With --json one object a line.\n" +
    "With -f an Executive that goes away is asked until it answers again: no entry is missed or printed twice.",
  options: OPTIONS,
  examples: [
    "ledger tail --admin-token @data/admin-token",
    "ledger tail -f --family shop --table prices --admin-token @data/admin-token",
    "ledger tail --after 41230 -n 100 --json --full --admin-token @data/admin-token",
  ],
  async run(context, options) {
    const { executive, after, follow } = options;
    if (options.table !== undefined && options.family === undefined) throw tableAlone();
    const central = { client: await operatorClient(options), executive };
    const show = printer(context, options);
    const lines = options.lines ?? TAIL_LIMITS.lines.default;
    // Only who waits takes over the signals: everybody else ends at once.
    const signal = follow ? context.stopSignal() : new AbortController().signal;
    let from = after;
    if (from === undefined) {
      const last = await lastEntries(central, {
        ...{ filter: filterOf(options), count: lines, signal },
        onLooked: lookNotes(context),
      });
      if (last === null) return;
      show(last.entries);
      if (!follow) return;
      from = last.head;
    }
    let left = after === undefined ? Number.POSITIVE_INFINITY : (options.lines ?? Number.POSITIVE_INFINITY);
    const pages = entriesAfter(central, context.clock, {
      ...notesTo(context),
      after: from,
      filter: filterOf(options),
      follow,
      signal,
      random: context.random,
    });
    while (left > 0) {
      const { value: entries } = await pages.next();
      if (entries === undefined) return;
      show(entries.slice(0, left));
      left -= entries.length;
    }
  },
});

function filterOf({ family, table, full }: OptionValues<typeof OPTIONS>): LedgerFilter {
  return {
    ...(family === undefined ? {} : { family }),
    ...(table === undefined ? {} : { table }),
    ...(full ? { full: "true" as const } : {}),
  };
}

function printer(
  context: CommandContext,
  { json, full }: OptionValues<typeof OPTIONS>,
): (entries: readonly LedgerEntry[]) => void {
  const lines = new EntryLines(() => (full ? undefined : context.columns));
  return (entries) => {
    for (const line of json ? entries.map(jsonText) : lines.lines(entries)) context.out(line);
  };
}

/** Says now and then how far back was looked, to whoever may wonder whether anything happens. */
function lookNotes({ clock, note, watched }: CommandContext): (through: bigint) => void {
  let notedAtMs = clock.monotonicMs();
  return (through) => {
    if (!watched || clock.monotonicMs() - notedAtMs < TAIL_LIMITS.progressMs) return;
    notedAtMs = clock.monotonicMs();
    note(`looked back to sequence ${through}`);
  };
}

function notesTo({
  note,
}: CommandContext): Pick<EntriesAfterOptions, "onAway" | "onBack" | "onGone" | "onAhead"> {
  return {
    onAway: ({ message, code }) => note(`${message} [${code}]; it is asked until it answers`),
    onBack: () => note("it answers again"),
    onGone: (after, first) => note(`entries ${after + 1n} to ${first - 1n} are no longer in the ledger`),
    onAhead: (head) => note(`the ledger ends at ${head}: nothing comes until it is further than that`),
  };
}

function tableAlone(): CtlstoreError {
  return new CtlstoreError(
    "config_invalid",
    "Cannot look for entries of --table: --family is not given; it is needed",
  );
}
