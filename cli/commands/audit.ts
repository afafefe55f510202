/** `ctlstore audit`: who created, changed, dropped, cleared, limited and granted what, and when. */
import { isCtlstoreError } from "../../core/errors.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import { type AuditEntry, auditPages, newAuditEntries } from "../audit-pages.ts";
import { type CommandContext, command } from "../command.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option, switchOption } from "../options.ts";
import { integer, text } from "../parsers.ts";
import { jsonText, shownText, textTable } from "../print.ts";

const FOLLOW_INTERVAL_MS = 1_000;

const filter = (flag: string, placeholder: string, help: string) =>
  option<string, undefined>({ flag, placeholder, help, parse: text, fallback: undefined });

export const auditCommand = command({
  name: "audit",
  summary: "print who changed what, and when: schema, rows cleared, writers, operators, limits",
  details:
    "The newest entry comes first. With --follow the last ones come first, and then what happens, as it happens.",
  options: {
    ...OPERATOR_OPTIONS,
    actor: filter("actor", "NAME", "only what this operator did"),
    action: filter("action", "ACTION", "only this, such as table.drop or limit.set"),
    target: filter(
      "target",
      "TARGET",
      "only what was done to this, such as shop/prices or 'writer importer'",
    ),
    limit: option({
      flag: "limit",
      placeholder: "N",
      help: "entries at most",
      parse: integer({ min: 1, max: ACCESS_LIMITS.auditEntries }),
      fallback: ACCESS_LIMITS.auditPage.default,
    }),
    follow: switchOption({
      flag: "follow",
      help: "go on until it is stopped; with --json one line for each entry",
    }),
  },
  examples: [
    "audit --admin-token @data/admin-token",
    "audit --actor alice --action table.drop --json --admin-token @data/admin-token",
    "audit --follow --admin-token @data/admin-token",
  ],
  async run(context, options) {
    const client = await operatorClient(options);
    const { executive, actor, action, target, limit, follow, json } = options;
    const query = {
      ...(actor === undefined ? {} : { actor }),
      ...(action === undefined ? {} : { action }),
      ...(target === undefined ? {} : { target }),
    };
    const entries = await auditPages({ client, executive }, { query, limit });
    if (!follow) return show(context, entries, json);
    for (const entry of entries.toReversed()) showOne(context, entry, json);
    await followFrom(context, entries[0]?.id ?? null, {
      json,
      find: (after) => newAuditEntries({ client, executive }, { query, after }),
    });
  },
});

interface Following {
  readonly json: boolean;
  /** What came after an entry. */
  find(after: AuditEntry["id"] | null): Promise<AuditEntry[]>;
}

/** Prints what comes until it is stopped; an Executive that is away for a while does not end it. */
async function followFrom(
  context: CommandContext,
  first: AuditEntry["id"] | null,
  { json, find }: Following,
): Promise<void> {
  const signal = context.stopSignal();
  let last = first;
  for (;;) {
    await context.clock.sleep(FOLLOW_INTERVAL_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      for (const entry of await find(last)) {
        showOne(context, entry, json);
        last = entry.id;
      }
    } catch (error) {
      if (!isCtlstoreError(error) || error.code !== "ctldb_unavailable") throw error;
      context.note(`${error.message}; it is asked again`);
    }
  }
}

function show(context: CommandContext, entries: readonly AuditEntry[], json: boolean): void {
  if (json) context.out(jsonText({ entries }));
  else
    for (const line of textTable(["at", "actor", "action", "target", "detail"], entries.map(cells)))
      context.out(line);
}

function showOne(context: CommandContext, entry: AuditEntry, json: boolean): void {
  context.out(json ? jsonText(entry) : cells(entry).map(shownText).join("  ").trimEnd());
}

function cells({ at, actor, action, target, detail, sequence }: AuditEntry): string[] {
  const place = sequence === undefined ? [] : [`at sequence ${sequence}`];
  const words = Object.entries(detail ?? {}).map(([name, value]) => `${name}=${detailText(value)}`);
  return [at, actor, action, target, [...words, ...place].join(" ")];
}

function detailText(value: unknown): string {
  return typeof value === "string" ? value : jsonText(value);
}
