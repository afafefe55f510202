/** A mapping at one look at the tables, for whoever looks only: what does not fit is left to others to say. */
import type { TableSchema } from "../../core/schema.ts";
import { fitTable } from "./fit.ts";
import { tableName } from "./keeper.ts";
import { LiveMapping } from "./live-mapping.ts";
import { MappedTable } from "./mapped-table.ts";
import type { MappingPlan } from "./plan.ts";

/** @param live the tables that exist, by `family/table`; none are known without it */
export function mappingAsOf(
  plan: MappingPlan,
  live: ReadonlyMap<string, TableSchema> = new Map(),
): LiveMapping {
  const tables = plan.tables.map((table) => {
    const { schema, constants } = fitTable(table, live.get(tableName(table)) ?? null, []);
    return new MappedTable(table, schema, constants);
  });
  return new LiveMapping(plan, tables);
}
