/** An Executive as a process of its own for benchmarks, with one table and its writers. */
import { createClient, unwrap } from "../../client/index.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess, startExecutiveService } from "../support/services.ts";

/** @param ctldbUrl an empty ctldb; @param flags of the Executive, which has no limits unless they say so */
export async function startBenchExecutive(
  ctldbUrl: string,
  writers: number,
  flags: readonly string[] = [],
): Promise<ServiceProcess> {
  const executive = await startExecutiveService(ctldbUrl, flags);
  await makeBenchTable(executive.url, writers);
  return executive;
}

/** Table `rows` of family `bench`, and writers `writer0` and so on. */
export async function makeBenchTable(executiveUrl: string, writers: number): Promise<void> {
  const client = createClient(executiveUrl, { adminToken: SERVICE_ADMIN_TOKEN });
  unwrap(await client.families({ family: "bench" }).post());
  const fields: [string, string][] = [
    ["id", "string"],
    ["name", "string"],
    ["count", "integer"],
    ["weight", "decimal"],
  ];
  unwrap(
    await client
      .families({ family: "bench" })
      .tables({ table: "rows" })
      .post({ fields, keyFields: ["id"] }),
  );
  for (let i = 0; i < writers; i++) unwrap(await client.writers({ writer: `writer${i}` }).post("secret"));
}
