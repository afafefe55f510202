/** What was used of the window that is now, as last committed. */
import { windowStart } from "../../core/rates.ts";
import type { LedgerStore, SystemRow } from "../store.ts";
import type { Usage, UsageReport } from "./contract.ts";
import { FLEET } from "./fleet.ts";
import type { Policy } from "./policy.ts";

const NOTHING: Usage = { rows: 0n, bytes: 0n };

/** @throws CtlstoreError `ctldb_unavailable` */
export async function usageReport(
  store: Pick<LedgerStore, "nowSeconds" | "query">,
  policy: Policy,
): Promise<UsageReport> {
  const window = windowStart(await store.nowSeconds());
  const rows = await store.query(
    `SELECT writer_name, amount, bytes FROM writer_usage WHERE bucket = ${window}`,
  );
  const used = new Map(rows.map((row) => [String(row[0]), toUsage(row)]));
  const fleet = used.get(FLEET) ?? NOTHING;
  used.delete(FLEET);
  return {
    windowStart: window,
    fleet: { ...fleet, rate: policy.fleet },
    writers: [...used]
      .sort(busiestFirst)
      .map(([writer, usage]) => ({ writer, ...usage, rate: policy.rateOf(writer) })),
  };
}

function toUsage([, amount, bytes]: SystemRow): Usage {
  return { rows: BigInt(String(amount)), bytes: BigInt(String(bytes)) };
}

function busiestFirst([a, usageOfA]: [string, Usage], [b, usageOfB]: [string, Usage]): number {
  if (usageOfA.rows !== usageOfB.rows) return usageOfA.rows > usageOfB.rows ? -1 : 1;
  return a < b ? -1 : 1;
}
