/**
 * auth: what it costs to judge who makes a request, in the process, with everything that a request pays: its headers, the
 * writer before its body is read, before the queue and again under the ledger lock, grants; or the operator's token and
 * role.
 *
 * Peer: SHA-256 of the secret alone, without which no secret can be compared.
 */
import { createHash } from "node:crypto";
import { ACCESS_LIMITS, CTLDB_TIMEOUTS } from "../../core/limits.ts";
import { parseFamilyName, parseOperatorName, parseWriterName } from "../../core/names.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { assertGranted } from "../../ctldb/access/grants.ts";
import { assertCredentials } from "../../ctldb/access/secrets.ts";
import { WriterGate } from "../../ctldb/access/writer-gate.ts";
import { LedgerCtlDb } from "../../ctldb/ledger-ctldb.ts";
import { openSqliteStore } from "../../ctldb/sqlite/store.ts";
import type { LedgerStore } from "../../ctldb/store.ts";
import { AccessControl } from "../../server/access/access-control.ts";
import { writerCredentials } from "../../server/credentials.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Benchmark, inTurns, median, ratio } from "./report.ts";

const ROUNDS = 9;
const REQUESTS = 20_000;
/** Writers that take turns, so that no memory of one of them helps. */
const WRITERS = 100;
const AIM_US = 20;
const FAMILY = parseFamilyName("bench");
const deps = { logger: silentLogger, clock: systemClock };

function secretOf(i: number): string {
  return `s3cr3t-of-a-usual-length-for-writer-${i}`;
}

/** Microseconds of CPU time per request, of all threads: waiting for a busy machine is no part of the price. */
async function priceOf(judge: (i: number) => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < REQUESTS; i++) await judge(i % WRITERS);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REQUESTS;
}

/** A request of each writer as it comes, judged as `write` and the group commit do. */
async function writerPath(store: LedgerStore): Promise<(i: number) => Promise<void>> {
  const gate = new WriterGate(
    { store, clock: systemClock, assertOpen: () => {} },
    { ...ACCESS_LIMITS, names: ACCESS_LIMITS.cachedWriters, keepOriginalSecrets: false },
  );
  const writers = Array.from({ length: WRITERS }, (_, i) => parseWriterName(`bench-${i}`));
  const headers = writers.map(
    (writer, i) => new Headers({ "ctlstore-writer": writer, "ctlstore-secret": secretOf(i) }),
  );
  const records = await Promise.all(writers.map((writer) => store.readWriter(writer)));
  const options = { requireGrants: true };
  return async (i) => {
    const sent = headers[i] ?? new Headers();
    // Before the body is read.
    const early = writerCredentials(sent);
    await gate.authenticate(early.writer, early.secret);
    const { writer, secret } = writerCredentials(sent);
    assertGranted(await gate.authenticate(writer, secret), FAMILY, options);
    const record = records[i] ?? null;
    assertCredentials(record, writer, secret, 0);
    assertGranted(record, FAMILY, options);
  };
}

export const authentication: Benchmark = {
  id: "auth",
  title: "CPU time of judging who makes a request",
  async run(progress) {
    using folder = tempFolder("bench");
    const store = await openSqliteStore(folder.file("ctl.db"), CTLDB_TIMEOUTS, deps);
    await using ctldb = new LedgerCtlDb(store, deps);
    progress(`${WRITERS} writers and 20 operators`);
    for (let i = 0; i < WRITERS; i++) {
      const writer = parseWriterName(`bench-${i}`);
      await ctldb.writers.register(writer, secretOf(i));
      await ctldb.writers.grant(writer, [FAMILY]);
    }
    const tokens: string[] = [];
    for (let i = 0; i < 20; i++) {
      const { token } = await ctldb.operators.create(parseOperatorName(`operator-${i}`), "schema");
      tokens.push(token);
    }
    const requests = tokens.map(
      (token) => new Request("http://localhost/", { headers: { authorization: `Bearer ${token}` } }),
    );
    const control = new AccessControl(ctldb.operators, { adminToken: "s3cr3t-admin", openTo: "nobody" });
    const judgeWriter = await writerPath(store);
    const stranger = parseWriterName("nobody");
    const sha256 = (i: number) => createHash("sha256").update(secretOf(i)).digest();
    await priceOf(judgeWriter);
    const values = await inTurns(ROUNDS, {
      sha256: () => priceOf(sha256),
      writer: () => priceOf(judgeWriter),
      operator: () => priceOf((i) => control.admit(requests[i % requests.length] as Request, "schema")),
      refused: () => priceOf(() => ctldb.readCookie(stranger, "s3cr3t").catch(() => {})),
    });
    const figures = [
      { name: "SHA-256 of the secret alone", unit: "µs", values: values.sha256 },
      { name: "a writer: headers, gate, lock, grants", unit: "µs", values: values.writer },
      { name: "an operator: token and role", unit: "µs", values: values.operator },
      { name: "a writer that is refused", unit: "µs", values: values.refused },
    ];
    const verdict = (name: string, price: readonly number[]) => ({
      name,
      value: median(price),
      unit: "µs",
      aim: `at most ${AIM_US}`,
      met: median(price) <= AIM_US,
    });
    return {
      id: "auth",
      title: "CPU time of judging who makes a request",
      settings: `${ROUNDS} rounds of ${REQUESTS.toLocaleString("en-US")} requests each, ${WRITERS} writers, salted secrets, embedded ctldb`,
      figures,
      verdicts: [
        verdict("per request of a writer", values.writer),
        verdict("per request of an operator", values.operator),
      ],
      notes: [
        `a writer's whole check is ${ratio(values.writer, values.sha256).toFixed(1)} times one SHA-256: before the body, before the queue and under the lock`,
      ],
    };
  },
};
