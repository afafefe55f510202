/**
 * POST /get-rows-by-key-prefix/{family}/{table}
 *
 * A short answer is built at once. A long one is read again, in pieces, on a connection of its own that holds one state;
 * that there are not too many rows is known before the first piece is sent.
 */
import { CtlstoreError } from "../../core/errors.ts";
import type { Held, KeyOf, StateFacts, StateReads } from "../../reader/stated/stated-reader.ts";
import type { Call } from "../call.ts";
import { keyOfBody } from "../key-body.ts";
import { rowJsonOf } from "../row-json.ts";
import { RowPieces } from "../row-pieces.ts";
import { RowStream } from "../row-stream.ts";

interface Prefix {
  readonly family: string;
  readonly table: string;
  readonly key: KeyOf;
}

/** The rows of one state: an array in one piece, or null where the client has it, or where it needs several. */
interface FirstLook {
  readonly facts: StateFacts;
  readonly isKnown: boolean;
  readonly text: string | null;
  readonly rows: number;
}

export async function rowsByPrefix(call: Call): Promise<Response> {
  const key = keyOfBody(await call.body());
  await call.sequenceReached();
  const [family = "", table = ""] = call.names;
  const prefix = { family, table, key };
  const { access, meter } = call.context;
  const first = access.reader.inOneState((reads) => firstLook(call, reads, prefix));
  if (first.isKnown) return call.answer(first.facts, "");
  if (first.text === null) return streamed(call, prefix);
  meter.rows(first.rows);
  return call.answer(first.facts, first.text);
}

/** @throws CtlstoreError `too_many_rows`, `too_stale` */
function firstLook(call: Call, reads: StateReads, prefix: Prefix): FirstLook {
  const { facts } = reads;
  const isKnown = call.hasAnswerOf(facts);
  const pieces = piecesOf(call, reads, prefix);
  call.assertFreshEnough(facts);
  const text = isKnown ? null : pieces.next();
  pieces.stop();
  assertRows(call, pieces.count);
  return { facts, isKnown, text: pieces.isDone ? text : null, rows: pieces.count };
}

function piecesOf({ context }: Call, reads: StateReads, prefix: Prefix): RowPieces {
  const rows = reads.prefix(prefix.family, prefix.table, prefix.key);
  return new RowPieces(rows.rows(context.maxRows + 1), rowJsonOf(rows.shape), context.limits);
}

/** @throws CtlstoreError `too_many_rows` */
function assertRows({ context }: Call, count: number): void {
  if (count <= context.maxRows) return;
  throw new CtlstoreError("too_many_rows", `Cannot answer: there are more than ${context.maxRows} rows`, {
    hint: "give more parts of the key; or the sidecar's --max-rows is too low",
  });
}

async function streamed(call: Call, prefix: Prefix): Promise<Response> {
  const { turns, limits } = call.context;
  const giveBack = await turns.take(limits.streamTurnMs);
  try {
    const held = call.context.access.reader.hold((reads) => {
      const { family, table, key } = prefix;
      assertRows(call, reads.prefix(family, table, key).count(call.context.maxRows + 1));
      return { pieces: piecesOf(call, reads, prefix), facts: reads.facts };
    });
    return streamOf(call, held, giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

function streamOf(
  call: Call,
  { result: { pieces, facts }, release }: Held<{ readonly pieces: RowPieces; readonly facts: StateFacts }>,
  giveBack: () => void,
): Response {
  const { rest, limits, meter, logger } = call.context;
  const stream = new RowStream(
    {
      pieces,
      release: () => {
        release();
        giveBack();
      },
      rest,
      onEnd: (outcome, reason) => {
        meter.rows(pieces.count);
        meter.streamEnded(outcome);
        if (outcome === "whole" || outcome === "left") return;
        logger.warn({ outcome, rows: pieces.count, err: reason }, "broke off an answer");
      },
    },
    limits,
  );
  try {
    if (call.request.signal.aborted || call.hasAnswerOf(facts)) stream.leave();
    return call.answer(facts, stream.body());
  } catch (error) {
    stream.leave();
    throw error;
  }
}
