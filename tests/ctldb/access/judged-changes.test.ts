/** D22: who makes a change is judged again when its turn has come; what was taken away meanwhile changes nothing. */
import { expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { parseFamilyName, parseOperatorName, parseTableName } from "../../../core/names.ts";
import type { ChangeOptions } from "../../../ctldb/access/contract.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { dumpCtlDb } from "../../support/dump-rows.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { COUNTS, FAMILY, failureOf, openFilled, SECRET, table, WRITER } from "../fixture.ts";

const OPERATOR = parseOperatorName("alice");
const SERVICE = { reader: parseOperatorName("checkout"), contact: null };
const { table: COUNTS_NAME } = COUNTS;
const MORE = table("more", { fields: [["id", "integer"]], keyFields: ["id"] });
const RATE = { rows: 5n, bytes: null };
const SIZE = { warnBytes: 5n, maxBytes: 5n };

type Change = (ctldb: CtlDb, options: ChangeOptions) => Promise<unknown>;

/** Each would change something. */
const CHANGES: Readonly<Record<string, Change>> = {
  "a family": (ctldb, options) => ctldb.createFamily(parseFamilyName("other"), options),
  "a table": (ctldb, options) => ctldb.createTables([MORE], options),
  fields: (ctldb, options) => ctldb.addFields(FAMILY, COUNTS_NAME, MORE.fields, options),
  "a drop": (ctldb, options) => ctldb.dropTable(FAMILY, COUNTS_NAME, options),
  "a clearing": (ctldb, options) => ctldb.clearRows(FAMILY, null, options),
  "a registration": (ctldb, options) => ctldb.writers.register("another" as typeof WRITER, SECRET, options),
  "a rotation": (ctldb, options) => ctldb.writers.rotate(WRITER, "another secret", 60, options),
  "a revocation": (ctldb, options) => ctldb.writers.revoke(WRITER, options),
  "a grant": (ctldb, options) => ctldb.writers.grant(WRITER, [FAMILY], options),
  "an operator": (ctldb, options) => ctldb.operators.create(parseOperatorName("bob"), "admin", options),
  "an operator's end": (ctldb, options) => ctldb.operators.revoke(OPERATOR, options),
  "a reader": (ctldb, options) => ctldb.readers.declare(FAMILY, COUNTS_NAME, SERVICE, options),
  "a reader's end": (ctldb, options) =>
    ctldb.readers.withdraw(FAMILY, COUNTS_NAME, parseOperatorName("billing"), options),
  "a writer's limit": (ctldb, options) => ctldb.limits.setWriter("another", RATE, options),
  "the fleet's limit": (ctldb, options) => ctldb.limits.setFleet(RATE, options),
  "a table's limit": (ctldb, options) => ctldb.limits.setTable(FAMILY, COUNTS_NAME, SIZE, options),
};

test("D22 no change is made of whoever may not any more when its turn has come", async () => {
  using folder = tempFolder("judged");
  const url = `sqlite:${folder.file("ctldb.db")}`;
  await using ctldb = await openFilled(url);
  await ctldb.operators.create(OPERATOR, "admin");
  await ctldb.readers.declare(FAMILY, parseTableName("counts"), {
    reader: parseOperatorName("billing"),
    contact: null,
  });
  const revoked = new CtlstoreError("bad_credentials", "Cannot go on: the token was revoked");
  const audit = async () => (await ctldb.audit.read({ limit: 1 })).entries[0]?.id;
  const before = [await dumpCtlDb(url), await audit()];
  for (const [what, change] of Object.entries(CHANGES)) {
    const failure = await failureOf(change(ctldb, { actor: "alice", judge: () => Promise.reject(revoked) }));
    expect([what, failure.code]).toEqual([what, "bad_credentials"]);
  }
  expect([await dumpCtlDb(url), await audit()]).toEqual(before);
});

test("who makes a change is not judged while others are before it", async () => {
  using folder = tempFolder("judged");
  await using ctldb = await openFilled(`sqlite:${folder.file("ctldb.db")}`);
  const order: string[] = [];
  const before = Promise.withResolvers<void>();
  const first = ctldb.createFamily(parseFamilyName("first"), {
    judge: () => before.promise.then(() => order.push("first is judged")),
  });
  const second = ctldb.createFamily(parseFamilyName("second"), {
    judge: async () => order.push("second is judged"),
  });
  before.resolve();
  await Promise.all([first.then(() => order.push("first is made")), second]);
  expect(order).toEqual(["first is judged", "first is made", "second is judged"]);
});
