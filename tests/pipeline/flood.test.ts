/** R34 One writer floods two Executives: it alone is limited, the others write on, and hosts follow. */
import { describe, expect, test } from "bun:test";
import { createClient, unwrap } from "../../client/index.ts";
import { openReader } from "../../reader/index.ts";
import { countedRows, ledgerRows, rowsOf } from "../ctldb/limits/windows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { testSecret } from "../support/secrets.ts";
import { SERVICE_ADMIN_TOKEN, startExecutiveService, startReflectorService } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";

const FLOODER = "flooder";
const CONNECTIONS = 32;
const FLOOD_ROWS = 10;
const ROWS_PER_MINUTE = 150;
const OTHERS = Array.from({ length: 4 }, (_, i) => `steady ${i + 1}`);
const BATCHES = 15;

interface Answer {
  readonly status: number;
  readonly code: string | null;
  readonly retryAfter: string | null;
  readonly sequence: bigint;
}

async function makeTable(url: string): Promise<void> {
  const client = createClient(url, { adminToken: SERVICE_ADMIN_TOKEN });
  const family = client.families({ family: "flood" });
  unwrap(await family.post());
  const fields: [string, string][] = [
    ["id", "string"],
    ["n", "integer"],
  ];
  unwrap(await family.tables({ table: "rows" }).post({ fields, keyFields: ["id"] }));
  for (const writer of [FLOODER, ...OTHERS]) unwrap(await client.writers({ writer }).post(secretOf(writer)));
}

function secretOf(writer: string): string {
  return testSecret(`of ${writer}`);
}

async function send(url: string, writer: string, batch: number, rows: number): Promise<Answer> {
  const mutations = Array.from({ length: rows }, (_, i) => ({
    table: "rows",
    values: { id: `${writer}-${batch}-${i}`, n: i },
  }));
  const response = await fetch(`${url}/families/flood/mutations`, {
    method: "POST",
    headers: { "ctlstore-writer": writer, "ctlstore-secret": secretOf(writer) },
    body: JSON.stringify({ mutations }),
  });
  const body = (await response.json()) as { sequence?: number; error?: { code: string } };
  return {
    status: response.status,
    code: body.error?.code ?? null,
    retryAfter: response.headers.get("retry-after"),
    sequence: BigInt(body.sequence ?? 0),
  };
}

/** Sends over many connections, as fast as they answer, until told to stop. */
async function flood(urls: readonly string[], isOver: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  const connection = async (index: number) => {
    for (let batch = index; !isOver(); batch += CONNECTIONS)
      answers.push(await send(urls[batch % urls.length] ?? "", FLOODER, batch, FLOOD_ROWS));
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => connection(index)));
  return answers;
}

async function writeSteadily(url: string, writer: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let batch = 0; batch < BATCHES; batch++) answers.push(await send(url, writer, batch, 2));
  return answers;
}

/** Of both Executives. */
async function limitedByMetrics(urls: readonly string[]): Promise<number> {
  const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const pattern = /^ctlstore_executive_rate_limited_total\{scope="writer"\} (\d+)$/m;
  return texts.reduce((sum, text) => sum + Number(pattern.exec(text)?.[1]), 0);
}

describe("one writer that floods", () => {
  test("R34 is limited alone, leaves no trace of what was refused, and delays neither writers nor hosts", async () => {
    using folder = tempFolder("flood");
    const ctldb = await (await sharedMariadb()).createDatabase();
    const flags = ["--writer-rows-per-minute", String(ROWS_PER_MINUTE)];
    await using first = await startExecutiveService(ctldb, flags);
    await using second = await startExecutiveService(ctldb, flags);
    await using _reflector = await startReflectorService(ctldb, folder.file("ldb"));
    const urls = [first.url, second.url];
    await makeTable(first.url);
    using reader = openReader({ path: folder.file("ldb") });
    let isOver = false;
    const flooding = flood(urls, () => isOver);
    const steady = Promise.all(OTHERS.map((writer, i) => writeSteadily(urls[i % 2] ?? "", writer)));
    const others = (await steady).flat();
    // The host has all of theirs while the flood goes on.
    for (const { sequence } of others) await reader.waitFor(sequence, { timeoutMs: 20_000 });
    isOver = true;
    const flooded = await flooding;

    expect(others.map(({ status }) => status)).toEqual(Array(OTHERS.length * BATCHES).fill(200));
    const accepted = flooded.filter(({ status }) => status === 200).length;
    const refused = flooded.filter(({ code }) => code === "rate_limited");
    expect(accepted + refused.length).toBe(flooded.length);
    expect(refused.length).toBeGreaterThan(accepted);
    for (const { retryAfter } of refused) expect(Number(retryAfter)).toBeWithin(1, 61);
    const written = {
      ...Object.fromEntries(OTHERS.map((writer) => [writer, 2 * BATCHES])),
      [FLOODER]: FLOOD_ROWS * accepted,
    };
    const all = Object.values(written).reduce((a, b) => a + b);
    expect(await ledgerRows(ctldb)).toEqual(written);
    expect(await countedRows(ctldb)).toEqual({ ...written, "*": all });
    const windows = await rowsOf(ctldb, `SELECT amount FROM writer_usage WHERE writer_name = '${FLOODER}'`);
    for (const [amount] of windows) expect(Number(amount)).toBeLessThanOrEqual(ROWS_PER_MINUTE);
    expect(await limitedByMetrics(urls)).toBe(refused.length);
    await reader.waitFor(BigInt((await rowsOf(ctldb, "SELECT seq FROM locks"))[0]?.[0] ?? 0), {
      timeoutMs: 20_000,
    });
    expect([...reader.getRowsByKeyPrefix("flood", "rows")]).toHaveLength(all);
  }, 120_000);
});
