/**
 * B12: what one idle Reflector costs the ctldb: statements and CPU time of MariaDB per poll of a ledger in which nothing
 * happens. CPU time is read from the server's own process; a busy machine adds waiting, which it does not count.
 *
 * Peer: SELECT 1 at the same pace, which is what waking up for any question costs.
 */
import { readFileSync } from "node:fs";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { parseFamilyName } from "../../core/names.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openCtlDb, openLedgerSource } from "../../ctldb/open.ts";
import { startReflector } from "../../reflector/start.ts";
import { startMariadb } from "../support/mariadb.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type Benchmark, median } from "./report.ts";

const ROUNDS = 5;
const POLLS = 1_000;
const PAUSE_MS = 2;
const deps = { logger: silentLogger, clock: systemClock };
/** Linux counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100;
const AIM = { microseconds: 150, statements: 1 };

/** CPU time of a process and its threads so far, in microseconds. */
function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const [user, system] = [fields[11], fields[12]].map(Number);
  return (((user ?? 0) + (system ?? 0)) * 1_000_000) / TICKS_PER_SECOND;
}

async function statements(url: string): Promise<number> {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Com_select'");
    return Number(rows[0]?.["Value"]);
  } finally {
    connection.destroy();
  }
}

/** CPU time of the server per SELECT 1 at the pace of the polls. */
async function bareQuestion(url: string, pid: number): Promise<number> {
  const connection = await createConnection(url);
  try {
    const before = cpuUs(pid);
    for (let asked = 0; asked < POLLS; asked++) {
      await connection.execute("SELECT 1");
      await systemClock.sleep(PAUSE_MS);
    }
    return (cpuUs(pid) - before) / POLLS;
  } finally {
    connection.destroy();
  }
}

export const idlePoll: Benchmark = {
  id: "B12",
  title: "load of the ctldb per idle Reflector",
  async run(progress) {
    await using mariadb = await startMariadb();
    const url = await mariadb.createDatabase();
    {
      await using ctldb = await openCtlDb(url, deps);
      await ctldb.createFamily(parseFamilyName("bench"));
    }
    using folder = tempFolder("bench");
    const metrics = createMetrics();
    let polls = 0;
    const reflector = await startReflector(
      { ...deps, source: openLedgerSource(url, deps), metrics },
      {
        ldbFolder: folder.path,
        pollIntervalMs: PAUSE_MS,
        onPoint: (point) => {
          if (point === "before-fetch") polls += 1;
        },
      },
    );
    await until(() => reflector.status().state === "current", { what: "the Reflector", deadlineMs: 60_000 });
    const cpu: number[] = [];
    const selects: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`${round} of ${ROUNDS}: ${POLLS} polls`);
      const before = { polls, cpu: cpuUs(mariadb.pid), selects: await statements(url) };
      await until(() => polls >= before.polls + POLLS, {
        what: "the polls",
        deadlineMs: 120_000,
        intervalMs: 1,
      });
      const done = polls - before.polls;
      cpu.push((cpuUs(mariadb.pid) - before.cpu) / done);
      selects.push(((await statements(url)) - before.selects) / done);
    }
    await reflector.stop();
    const bare: number[] = [];
    for (let round = 0; round < ROUNDS; round++) bare.push(await bareQuestion(url, mariadb.pid));
    const [microseconds, perPoll] = [median(cpu), median(selects)];
    return {
      id: this.id,
      title: this.title,
      settings: `MariaDB on the same machine over TCP; ${POLLS} polls a round, ${PAUSE_MS} ms apart; nothing is written`,
      figures: [
        { name: "CPU time of MariaDB per poll", unit: "µs", values: cpu },
        { name: "CPU time of MariaDB per SELECT 1", unit: "µs", values: bare },
        { name: "SELECTs per poll", unit: "", values: selects },
      ],
      verdicts: [
        {
          name: "CPU time of MariaDB per poll",
          value: microseconds,
          unit: "µs",
          aim: `≤ ${AIM.microseconds}`,
          met: microseconds <= AIM.microseconds,
        },
        {
          name: "SELECTs per poll",
          value: perPoll,
          unit: "",
          aim: `≤ ${AIM.statements}`,
          met: perPoll <= AIM.statements + 0.05,
        },
      ],
    };
  },
};
