/**
 * From a real origin to a reader: MariaDB's binlog, Kafka's protocol, the loader, the Executive, the ledger, a Reflector.
 *
 * What the reader has is compared with what MariaDB itself says of its values, as text made by that server.
 */
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../../client/index.ts";
import { type LdbReader, openReader } from "../../../reader/index.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { LoaderWorld } from "../../support/loader/loader-world.ts";
import { sharedMariadb } from "../../support/mariadb.ts";
import type { ConnectorModes } from "../../support/origin/column-codec.ts";
import { Connector } from "../../support/origin/connector.ts";
import { type Origin, startOrigin } from "../../support/origin/origin.ts";
import { startReflectorService } from "../../support/services.ts";
import { until } from "../../support/until.ts";
import {
  EVERY_TYPE,
  EVERY_TYPE_ROWS,
  EVERY_TYPE_TABLE,
  insertOf,
  nullRow,
  TEXTS_QUERY,
  updateOf,
} from "./every-type.ts";

interface Setup {
  readonly name: string;
  readonly schemas: boolean;
  readonly modes: Partial<ConnectorModes>;
  /** `values` of the mapping. */
  readonly values: Readonly<Record<string, string>>;
  readonly ctldb: "sqlite" | "mariadb";
}

const SETUPS: readonly Setup[] = [
  {
    name: "events with schemas",
    schemas: true,
    modes: { sourceTypes: true },
    values: {},
    ctldb: "sqlite",
  },
  {
    name: "events without schemas, in other modes, a ctldb on MariaDB",
    schemas: false,
    modes: { decimal: "string", binary: "hex", bigintUnsigned: "precise" },
    values: { decimal: "string", binary: "hex", bigintUnsigned: "precise" },
    ctldb: "mariadb",
  },
];

const DEADLINE_MS = 30_000;

type Texts = Readonly<Record<string, string | null>>;

function mappingOf(connector: Connector, setup: Setup): object {
  const fields = EVERY_TYPE.map(({ name, column, field }) => {
    const type = column.replace(/ NULL$| CHARACTER SET .*$/, "");
    return [name, { from: name, type: field, ...(setup.schemas ? {} : { column: type }) }];
  });
  return {
    version: 1,
    values: setup.values,
    tables: [
      {
        topic: connector.topicOf("every_type"),
        family: "origin",
        table: "every_type",
        create: true,
        addFields: true,
        vanishedRows: "sweep",
        onTruncate: "clear",
        fields: { id: { from: "id", type: "integer" }, ...Object.fromEntries(fields) },
      },
    ],
  };
}

/** All rows as a reader sees them, each value as MariaDB would write it. */
function readTexts(reader: LdbReader): Texts[] {
  const rows = [...reader.getRowsByKeyPrefix("origin", "every_type")];
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)])),
  );
}

function textOf(value: unknown): string | null {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex").toUpperCase() : String(value);
}

/** MariaDB's texts; numbers of DOUBLE and DECIMAL that go to a double in the one form that JavaScript has for it. */
async function originTexts(origin: Origin, query: string): Promise<Texts[]> {
  const decimals = new Set(EVERY_TYPE.filter(({ field }) => field === "decimal").map(({ name }) => name));
  const rows = await origin.query(query);
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, text]) => {
        if (text === null) return [name, null];
        return [name, decimals.has(name) ? String(Number(text)) : String(text)];
      }),
    ),
  );
}

/** Cells in which two tables differ, as texts. */
function differences(expected: readonly Texts[], found: readonly Texts[]): string[] {
  const rows = new Map(found.map((row) => [row["id"], row]));
  const wrong = expected.flatMap((row) => {
    const other = rows.get(row["id"]);
    rows.delete(row["id"]);
    if (other === undefined) return [`row ${row["id"]} is missing`];
    const cells = Object.keys({ ...row, ...other }).filter((name) => row[name] !== other[name]);
    const shown = (text: string | null | undefined) =>
      text === undefined ? "nothing" : String(text).slice(0, 60);
    return cells.map(
      (name) => `row ${row["id"]}, ${name}: ${shown(other[name])} in place of ${shown(row[name])}`,
    );
  });
  return [...wrong, ...[...rows.keys()].map((id) => `row ${id} should not be there`)];
}

/** Waits until the reader has what the origin has. */
async function expectSame(reader: LdbReader, origin: Origin, query = TEXTS_QUERY): Promise<void> {
  const expected = await originTexts(origin, query);
  const look = () => differences(expected, readTexts(reader));
  const options = { what: "the reader to have the origin's rows", deadlineMs: DEADLINE_MS };
  await until(() => look().length === 0, options).catch(() => {});
  expect(look()).toEqual([]);
}

async function change(origin: Origin): Promise<void> {
  for (let id = 0; id < EVERY_TYPE_ROWS; id++) await origin.query(insertOf(100 + id));
  for (let id = 0; id < EVERY_TYPE_ROWS; id++) await origin.query(updateOf(id, id + 1));
  await origin.query("DELETE FROM every_type WHERE id = 100");
  await origin.query("UPDATE every_type SET id = id + 1000 WHERE id IN (1, 101)");
  const own = await origin.connect();
  await own.query("BEGIN");
  await own.query(nullRow(200));
  await own.query(updateOf(200, 0));
  await own.query("UPDATE every_type SET id = 201 WHERE id = 200");
  await own.query("COMMIT");
  await own.query("BEGIN");
  await own.query("DELETE FROM every_type");
  await own.query("ROLLBACK");
  await own.end();
}

describe.skipIf(!hasKafka)("from the origin to a reader", () => {
  test.each([...SETUPS])(
    "D24 R32 R33 every type, changes, a new column and a new snapshot arrive: $name",
    async (setup) => {
      await using origin = await startOrigin();
      const ctldbUrl =
        setup.ctldb === "sqlite" ? {} : { ctldbUrl: await (await sharedMariadb()).createDatabase() };
      await using world = await LoaderWorld.start(ctldbUrl);
      const ldb = world.folder.file("ldb");
      const connect = () =>
        new Connector({
          origin,
          prefix: "shop",
          partitions: 1,
          schemas: setup.schemas,
          transactions: false,
          modes: setup.modes,
          produce: (records) => world.produce(records),
        });
      await using connector = connect();
      await origin.query(EVERY_TYPE_TABLE);
      for (let id = 0; id < EVERY_TYPE_ROWS; id++) await origin.query(insertOf(id));
      await origin.query(nullRow(99));
      await world.kafka.createTopic(connector.topicOf("every_type"), 1);
      await connector.start(["every_type"]);
      const mapping = world.mapping(mappingOf(connector, setup));
      let loader = await world.startLoader(mapping);
      await using _reflector = await startReflectorService(world.ctldbUrl, ldb);
      using reader = openReader({ path: ldb, integers: "bigint" });
      await until(() => reader.getRowsByKeyPrefix("origin", "every_type"), {
        what: `the table; the loader says ${loader.process.stderr}`,
        deadlineMs: DEADLINE_MS,
      });
      await expectSame(reader, origin);

      await change(origin);
      await connector.caughtUp();
      await expectSame(reader, origin);

      await connector.alter("ALTER TABLE every_type ADD COLUMN extra VARCHAR(50)");
      await origin.query("UPDATE every_type SET extra = CONCAT('extra ', id) WHERE id < 3");
      await connector.caughtUp();
      if (!setup.schemas) {
        // Nothing says of which type the new column is: somebody must.
        expect(await loader.process.exited).toEqual({ code: 1, signal: null });
        expect(loader.process.stderr).toMatch(/event_refused[\s\S]*extra|extra[\s\S]*event_refused/);
        const table = world.client.families({ family: "origin" }).tables({ table: "every_type" });
        unwrap(await table.put({ fields: [["extra", "string"]] }));
        loader = await world.startLoader(mapping);
      }
      const withExtra = TEXTS_QUERY.replace(" FROM every_type", ", extra FROM every_type");
      await expectSame(reader, origin, withExtra);

      // The connector is away, and what it would have read is gone: it must begin with a new snapshot.
      await connector.stop();
      await origin.query("DELETE FROM every_type WHERE id IN (2, 99, 201)");
      await origin.query(insertOf(300));
      await origin.query(updateOf(0, 3));
      await origin.query("RESET MASTER");
      await using again = connect();
      await again.start(["every_type"]);
      await expectSame(reader, origin, withExtra);
      await origin.query(updateOf(300, 1));
      await again.caughtUp();
      await expectSame(reader, origin, withExtra);

      await again.alter("TRUNCATE TABLE every_type");
      await origin.query(insertOf(7));
      await again.caughtUp();
      await expectSame(reader, origin, withExtra);

      loader.process.signal("SIGTERM");
      expect(await loader.process.exited).toEqual({ code: 0, signal: null });
    },
    120_000,
  );
});
