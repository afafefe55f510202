/**
 * traces: what it costs the Executive to trace every hundredth write, and every write.
 *
 * Peer: the same Executive without traces, on a database of its own, in turns with the others. The collector is a process of
 * its own that takes everything and keeps nothing; how many spans were dropped stands beside the figures.
 *
 * The price is CPU time of the Executive's process per request, of all its threads: waiting for a busy machine is no part
 * of it. On a machine that has nothing else to do, requests per second go with it.
 */
import { readFileSync } from "node:fs";
import { SPANS_DROPPED, SPANS_SENT } from "../../core/process/tracing/trace-metrics.ts";
import { startMariadb } from "../support/mariadb.ts";
import { startProcess } from "../support/process.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess } from "../support/services.ts";
import { drive, type Load, labelOf } from "./executive-load.ts";
import { startBenchExecutive } from "./executive-process.ts";
import { type Benchmark, type Figure, inTurns, ratio, type Verdict } from "./report.ts";

const LOADS: readonly Load[] = [
  { writers: 1, rows: 1 },
  { writers: 32, rows: 1 },
  { writers: 8, rows: 100 },
];
const WRITERS = 32;
const ROUNDS = 5;
const ADDRESS = /http:\/\/127\.0\.0\.1:\d+/;

const COLLECTOR = `
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: async (request) => {
    await request.arrayBuffer();
    return Response.json({});
  } });
  console.log("http://127.0.0.1:" + server.port);
`;

/** The kernel counts in hundredths of a second, on every Linux that matters. */
const TICK_US = 10_000;

/** CPU time that a process has used, in microseconds. */
function cpuUs({ process: { pid } }: ServiceProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const [user = "0", system = "0"] = fields.slice(11, 13);
  return (Number(user) + Number(system)) * TICK_US;
}

async function spans({ url }: ServiceProcess, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${SERVICE_ADMIN_TOKEN}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
}

export const traces: Benchmark = {
  id: "traces",
  title: "CPU time of traces at the Executive on MariaDB",
  async run(progress) {
    await using mariadb = await startMariadb();
    await using collector = startProcess([process.execPath, "-e", COLLECTOR]);
    const [endpoint] = await collector.waitForOutput(ADDRESS);
    const traced = (part: string) => ["--otlp-endpoint", endpoint, "--trace-ratio", part];
    const start = async (flags: readonly string[]) =>
      startBenchExecutive(await mariadb.createDatabase(), WRITERS, flags);
    await using off = await start([]);
    await using some = await start(traced("0.01"));
    await using all = await start(traced("1"));
    const figures: Figure[] = [];
    const verdicts: Verdict[] = [];
    let failures = 0;
    for (const load of LOADS) {
      const label = labelOf(load);
      progress(label);
      const price = async (executive: ServiceProcess) => {
        const beforeUs = cpuUs(executive);
        const { requests, failures: failed } = await drive(executive.url, load);
        failures += failed;
        return (cpuUs(executive) - beforeUs) / requests;
      };
      const rates = await inTurns(ROUNDS, {
        off: () => price(off),
        some: () => price(some),
        all: () => price(all),
      });
      figures.push({ name: `${label}: without traces, a request`, unit: "µs", values: rates.off });
      figures.push({ name: `${label}: every hundredth traced`, unit: "µs", values: rates.some });
      figures.push({ name: `${label}: every one traced`, unit: "µs", values: rates.all });
      const judge = (name: string, value: number, aim: number) =>
        verdicts.push({ name: `${label}: ${name}`, value, unit: "×", aim: `≤ ${aim}`, met: value <= aim });
      judge("every hundredth, of none", ratio(rates.some, rates.off), 1.05);
      judge("every one, of none", ratio(rates.all, rates.off), 1.4);
    }
    const counts = [await spans(all, SPANS_SENT), await spans(all, SPANS_DROPPED)];
    verdicts.push({ name: "failed requests", value: failures, unit: "", aim: "0", met: failures === 0 });
    return {
      id: this.id,
      title: this.title,
      settings: "innodb_flush_log_at_trx_commit=1; Executives, MariaDB, collector and load share the machine",
      figures,
      verdicts,
      notes: [
        `of the Executive that traces everything, ${counts[0]} spans were sent and ${counts[1]} dropped`,
      ],
    };
  },
};
