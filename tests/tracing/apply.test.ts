/** The Reflector's part of a trace: a span for each traced ledger transaction that is committed, and for nothing else (I4, I6). */
import { expect, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { openTracing } from "../../core/process/tracing/open.ts";
import { readTraceSettings } from "../../core/process/tracing/settings.ts";
import type { ReflectorOptions } from "../../reflector/options.ts";
import { reflect } from "../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { startCollector } from "./collector.ts";

const SPAN = "00f067aa0ba902b7";
const traceId = (digit: string) => digit.repeat(32);

/** Adds a ledger transaction that has a trace. */
function appendTraced(ledger: MemoryLedger, digit: string, ...statements: readonly string[]): void {
  const before = ledger.entries.length;
  if (statements.length > 1) ledger.appendTransaction(...statements);
  else ledger.append(...statements);
  const trace = `00-${traceId(digit)}-${SPAN}-01`;
  ledger.entries = ledger.entries.map((entry, i) => (i < before ? entry : { ...entry, trace }));
}

/** What a Reflector tells of a ledger until it is where it stays. */
async function told(
  ledger: MemoryLedger,
  state: "current" | "stuck",
  options: Partial<ReflectorOptions> = {},
) {
  using folder = tempFolder("tracing-apply");
  await using collector = startCollector();
  const { settings } = readTraceSettings("test", { otlpEndpoint: collector.url }, {});
  if (settings === null) throw new Error("nothing is traced");
  const tracer = openTracing(settings, { logger: silentLogger, clock: systemClock });
  await using reflector = await reflect(ledger, folder.path, options, { tracer });
  await reflector.reaches(state);
  await reflector.stop();
  await tracer[Symbol.asyncDispose]();
  return collector.spans.map(({ name, traceId: id, parent, attributes }) => [
    name,
    id,
    parent,
    attributes["ctlstore.sequence"],
    attributes["ctlstore.entries"],
  ]);
}

const span = (digit: string, sequence: number, entries: number) => [
  "ledger.apply",
  traceId(digit),
  SPAN,
  sequence,
  entries,
];

test("each traced ledger transaction has a span, also when one commit has many of them; the others have none", async () => {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(0, "untraced"));
  appendTraced(ledger, "1", put(1, "a"));
  appendTraced(ledger, "2", put(2, "a"), put(3, "a"));
  ledger.appendTransaction(put(4, "untraced"), put(5, "untraced"));
  appendTraced(ledger, "3", put(1, "b"));
  expect(await told(ledger, "current")).toEqual([span("1", 3, 1), span("2", 7, 4), span("3", 12, 1)]);
});

test("I6 a ledger transaction that comes in many blocks and slices has one span", async () => {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  appendTraced(ledger, "1", ...Array.from({ length: 40 }, (_, key) => put(key, "a")));
  const small = { pollRows: 3, sliceStatements: 2 };
  expect(await told(ledger, "current", small)).toEqual([span("1", 43, 42)]);
});

test("I4 what is undone has no span, and what is applied again because of it has one", async () => {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  appendTraced(ledger, "1", put(1, "a"));
  // Its transaction is undone with the one before it, which is then done again.
  appendTraced(ledger, "2", put(2, "a"), 'REPLACE INTO fam___nowhere ("k") VALUES(1)');
  appendTraced(ledger, "3", put(3, "a"));
  expect(await told(ledger, "stuck")).toEqual([span("1", 2, 1)]);
});

test("no trace begins at a Reflector, whatever somebody has put in the place of one", async () => {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"), put(2, "a"));
  const byHand = ["", "by hand", `00-${"0".repeat(32)}-${SPAN}-01`];
  ledger.entries = ledger.entries.map((entry, i) => ({ ...entry, trace: byHand[i] ?? "" }));
  appendTraced(ledger, "1", put(3, "a"));
  expect(await told(ledger, "current")).toEqual([span("1", 4, 1)]);
});
