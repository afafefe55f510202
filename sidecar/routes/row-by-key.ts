/** POST /get-row-by-key/{family}/{table} */
import type { Call } from "../call.ts";
import { keyOfBody } from "../key-body.ts";
import { rowJsonOf } from "../row-json.ts";

export async function rowByKey(call: Call): Promise<Response> {
  const key = keyOfBody(await call.body());
  await call.sequenceReached();
  const [family = "", table = ""] = call.names;
  const { row, shape, facts } = call.context.access.reader.rowByKey(family, table, key);
  if (row === null) return call.notFound(facts);
  call.context.meter.rows(1);
  return call.answer(facts, rowJsonOf(shape)(row));
}
