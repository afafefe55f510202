/** What is said of the LDB as a whole: its latency, and whether it can be read. */
import { CtlstoreError } from "../../core/errors.ts";
import { type Call, factsOf } from "../call.ts";
import { latencySeconds } from "../state-headers.ts";

/** GET /get-ledger-latency */
export async function ledgerLatency(call: Call): Promise<Response> {
  await call.sequenceReached();
  const { access, clock } = call.context;
  const facts = factsOf(access);
  const value = latencySeconds(facts, clock.nowUs());
  if (value === null) {
    throw new CtlstoreError(
      "ldb_empty",
      "Cannot tell the ledger latency: the LDB holds no timestamp; it needs a ledger entry",
    );
  }
  return call.answer(facts, `{"unit":"seconds","value":${value}}`);
}

/** GET /healthcheck and GET /ping: fails as a read would. */
export async function ping(call: Call): Promise<Response> {
  await call.sequenceReached();
  return call.answer(factsOf(call.context.access), '{"ok":true}');
}
