/**
 * R47 on a real network: a ctldb on MySQL that refuses connections, swallows them, or is no primary any more, while calls
 * arrive all the time. An hour of it is simulated in tests/pipeline/hour-away.test.ts.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { type LogLine, recordingLogger } from "../reflector/readiness/recording-logger.ts";
import { type FaultProxy, type Faults, startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { until } from "../support/until.ts";
import { count, openFilled, request, SECRET, WRITER } from "./fixture.ts";

setDefaultTimeout(60_000);

/** Short, so that a black hole does not take the suite's time; long enough for a busy machine. */
const SHORT = { connectMs: 800, queryMs: 1_500, resolveCommitMs: 800, sessionIdleSeconds: 1 };

interface Outage {
  readonly ctldb: CtlDb;
  readonly proxy: FaultProxy;
  readonly lines: readonly LogLine[];
}

async function withCtlDb(task: (outage: Outage) => Promise<void>): Promise<void> {
  const server = await sharedMariadb();
  await using proxy = await startFaultProxy(server);
  const url = new URL(await server.createDatabase());
  await (await openFilled(url.href))[Symbol.asyncDispose]();
  url.port = String(proxy.port);
  const { logger, lines } = recordingLogger();
  await using ctldb = await openCtlDb(url.href, { logger, clock: systemClock }, { timeouts: SHORT });
  await ctldb.write(request([count("before")]));
  await task({ ctldb, proxy, lines });
}

/** Sixteen callers who call again at once, as long as it takes to have had so many answers; what they were told. */
async function flood(ctldb: CtlDb, calls: number): Promise<Map<string, number>> {
  const told = new Map<string, number>();
  let answered = 0;
  const caller = async (number: number) => {
    while (answered < calls) {
      const call =
        number % 2 === 0 ? ctldb.write(request([count("during")])) : ctldb.readCookie(WRITER, SECRET);
      const code = await call.then(
        () => "served",
        (error) => String(error.code),
      );
      told.set(code, (told.get(code) ?? 0) + 1);
      answered += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => caller(i)));
  return told;
}

/** The first write after the ctldb is back. */
function writesAgain({ ctldb, proxy }: Outage): Promise<unknown> {
  proxy.set({});
  return until(() => ctldb.write(request([count("after")])), { what: "the first write after the outage" });
}

const OUTAGES: Readonly<Record<string, Faults>> = {
  "refuses connections": { refuse: true },
  "swallows them": { blackHole: true },
};

for (const [what, faults] of Object.entries(OUTAGES)) {
  // Side by side: most of their time is waiting.
  test.concurrent(`R47 a ctldb that ${what} is asked a few times and told of once, however many calls arrive, and found when it is back`, () =>
    withCtlDb(async (outage) => {
      const { ctldb, proxy, lines } = outage;
      proxy.set(faults);
      proxy.resetAll();
      const { connections } = proxy;
      const told = await flood(ctldb, 5_000);
      expect([...told.keys()]).toEqual(["ctldb_unavailable"]);
      // Short outages are waited for, longer ones answered at once; no call makes an attempt of its own.
      expect(proxy.connections - connections).toBeLessThan(100);
      expect(lines.filter(({ message }) => message === "the ctldb is away")).toHaveLength(1);
      expect(lines.length).toBeLessThan(5);
      await writesAgain(outage);
      expect(lines.at(-1)).toMatchObject({ level: "info", message: "the ctldb is there again" });
    }));
}

test("R47 a ctldb that takes connections and breaks them at once is not asked in a loop either", () =>
  withCtlDb(async (outage) => {
    const { ctldb, proxy } = outage;
    const { connections } = proxy;
    proxy.resetAll();
    let broken = 0;
    const breaking = setInterval(() => {
      proxy.resetAll();
      broken += 1;
    }, 5);
    try {
      await until(
        async () => {
          await ctldb.status().catch(() => {});
          return broken > 400;
        },
        { what: "two seconds of it", deadlineMs: 20_000 },
      );
    } finally {
      clearInterval(breaking);
    }
    expect(proxy.connections - connections).toBeLessThan(broken / 4);
    await writesAgain(outage);
  }));
