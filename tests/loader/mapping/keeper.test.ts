/** The mapping against the tables of a real Executive: resolving, making tables and fields, and others who do the same. */
import { describe, expect, test } from "bun:test";
import { Writer } from "../../../client/index.ts";
import { openMapping } from "../../../loader/mapping/keeper.ts";
import type { MappingKeeper } from "../../../loader/mapping/mapping.ts";
import { executiveSchemas } from "../../../loader/mapping/schema-store.ts";
import { type FaultyFetch, fastClock, faultyFetch } from "../../client/faulty-fetch.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../../server/test-app.ts";
import { connectType, mappingText, type RowParts, rowEvent, type Types, tombstoneEvent } from "./mapped.ts";
import { rejected, thrown } from "./thrown.ts";

interface Setup extends AsyncDisposable {
  readonly app: TestApp;
  readonly network: FaultyFetch;
  open(tables: readonly object[], more?: object): Promise<MappingKeeper>;
  /** What an event needs is made, its mutations are written: as a lane does it. */
  load(keeper: MappingKeeper, parts: RowParts, topic?: string): Promise<void>;
  fieldsOf(path: string): Promise<Record<string, string>>;
  keyOf(path: string): Promise<string[]>;
}

async function setUp(): Promise<Setup> {
  const app = await openTestApp({ destructiveSchemaChanges: true });
  const network = faultyFetch(app.app);
  const clock = fastClock();
  const schemas = executiveSchemas({
    url: "http://localhost",
    adminToken: ADMIN_TOKEN,
    fetch: network.fetch,
    clock,
    retryForMs: 60_000,
  });
  const writer = new Writer({
    ...{ url: "http://localhost", writer: "importer", secret: "s3cr3t-writer", family: "shop" },
    ...{ fetch: network.fetch, clock },
  });
  const schema = async (path: string) =>
    (await app.call({ method: "GET", path: `/schema/table/${path}` })).json as {
      fields: [string, string][];
      keyFields: string[];
    };
  return {
    app,
    network,
    open: (tables, more) => openMapping(mappingText(tables, more), schemas, { name: "mapping.json" }),
    async load(keeper, parts, topic = "shop.store.item") {
      const event = rowEvent(parts);
      const find = () => {
        const target = keeper.current.target(topic, event);
        if (target === "drop") throw new Error("the event is dropped");
        return target;
      };
      const need = find().schemaNeed(event);
      if (need !== null) await keeper.satisfy(need);
      const target = find();
      expect(target.schemaNeed(event)).toBeNull();
      const mutations = target.toMutations(event);
      if (mutations.length > 0) await writer.write(mutations, { family: target.family });
    },
    fieldsOf: async (path) => Object.fromEntries((await schema(path)).fields),
    keyOf: async (path) => (await schema(path)).keyFields,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

const COLUMNS: Types = {
  Id: connectType("int64", { isOptional: false }),
  Name: connectType("string", {
    parameters: { "__debezium.source.column.type": "VARCHAR", "__debezium.source.column.length": "40" },
  }),
};

describe("a mapping", () => {
  test("has what its file says when the tables are there", async () => {
    await using at = await setUp();
    const tables = [
      { topic: "b", table: "counter", lane: "partition", vanishedRows: "report", onTruncate: "clear" },
      { topic: "a" },
    ];
    const { current } = await at.open(tables, { transactionTopic: "t" });
    expect(current).toMatchObject({ topics: ["a", "b"], families: ["shop"], transactionTopic: "t" });
    expect(
      current.tables.map(({ table, vanishedRows, onTruncate }) => [table, vanishedRows, onTruncate]),
    ).toEqual([
      ["counter", "report", "clear"],
      ["item", "keep", "stop"],
    ]);
    expect(current.tables[0]?.schema?.keyFields.map(String)).toEqual(["id"]);
    expect([current.laneOf("a"), current.laneOf("b")]).toEqual(["topic", "partition"]);
    expect(at.network.requests).toEqual(["GET /schema/family/shop"]);
  });

  test("waits for an Executive that is away, as long as it is told to", async () => {
    await using at = await setUp();
    at.network.faults.push("lose-request", "busy", "limited", "lose-answer");
    expect((await at.open([{}])).current.tables).toHaveLength(1);
    at.network.faults.push(...Array.from({ length: 1_000 }, () => "busy" as const));
    await rejected(at.open([{}]), "ctldb_unavailable");
    const schemas = executiveSchemas({
      url: "http://localhost",
      adminToken: "s3cr3t-wrong",
      fetch: at.network.fetch,
    });
    at.network.faults.length = 0;
    await rejected(openMapping(mappingText([{}]), schemas, { name: "m" }), "bad_credentials");
    at.network.faults.push("busy");
    await rejected(openMapping(mappingText([{}]), schemas, { name: "m" }), "ctldb_unavailable");
  });

  test("stops waiting when told to", async () => {
    await using at = await setUp();
    const schemas = executiveSchemas({
      url: "http://localhost",
      adminToken: ADMIN_TOKEN,
      fetch: at.network.fetch,
    });
    const signal = AbortSignal.abort(new Error("stopped"));
    const opened = openMapping(mappingText([{}]), schemas, { name: "m", signal });
    expect(await opened.catch(String)).toBe("Error: stopped");
  });

  test.each<[string, readonly object[], string]>([
    [
      "a table that is not there",
      [{ table: "gone" }],
      "tables[0].table names shop/gone, which does not exist",
    ],
    [
      "a family that is not there",
      [{ family: "none" }],
      "tables[0].table names none/item, which does not exist",
    ],
    [
      "a field that is not there",
      [{ fields: { colour: "c" } }],
      "tables[0].fields.colour is no field of table shop/item",
    ],
    [
      "a key that is not the table's",
      [{ key: ["order"] }],
      "tables[0].key is order; the key of shop/item is name",
    ],
    [
      "a type that is not the field's",
      [{ fields: { name: { from: "n", type: "text" } } }],
      'tables[0].fields.name.type is "text"; the field is string',
    ],
    [
      "a constant that does not fit",
      [{ fields: { order: { constant: "x" } } }],
      "tables[0].fields.order.constant does not fit",
    ],
    [
      "no word about a key field",
      [{ rest: "drop", fields: { order: "o" } }],
      'tables[0].fields says nothing about key field "name"',
    ],
    [
      "a column type that there is none of",
      [{ fields: { order: { from: "o", column: "nonsense" } } }],
      "tables[0].fields.order.column cannot be used",
    ],
    [
      "two origins in one table",
      [{ topic: "a" }, { topic: "b" }],
      "tables[1] goes to shop/item like tables[0], and nothing in the key tells their rows apart",
    ],
    [
      "two origins with one constant",
      [
        { topic: "a", fields: { name: { constant: "x" } } },
        { topic: "b", fields: { name: { constant: "x" } } },
      ],
      "nothing in the key tells their rows apart",
    ],
    [
      "a constant for one origin, and a column that may have the same value for the other",
      [{ topic: "a", fields: { name: { constant: "x" } } }, { topic: "b" }],
      "tables[1] goes to shop/item like tables[0], and nothing in the key tells their rows apart",
    ],
    [
      "two origins of a new table without key",
      [
        { topic: "a", table: "new", create: true },
        { topic: "b", table: "new", create: true },
      ],
      "tables[0].key is needed, since several tables go to shop/new",
    ],
  ])("is refused with its place when it has %s", async (_, tables, expected) => {
    await using at = await setUp();
    const error = await rejected(at.open(tables), "mapping_invalid");
    expect(error.message).toStartWith("Cannot use the mapping mapping.json: ");
    expect(error.message).toContain(expected);
  });

  test("says all that is wrong with it at once", async () => {
    await using at = await setUp();
    const error = await rejected(
      at.open([{ table: "gone" }, { topic: "b", fields: { colour: "c" } }]),
      "mapping_invalid",
    );
    expect(error.message).toContain("tables[0].table names shop/gone");
    expect(error.message).toContain("tables[1].fields.colour is no field");
  });
});

describe("routing", () => {
  const event = (source: RowParts["source"]) =>
    rowEvent({ after: { id: 1 }, ...(source === undefined ? {} : { source }) });
  const of = (table: string) => ({ database: "store", schema: null, table });

  test("goes by topic, and by the table of the origin where a topic has several", async () => {
    await using at = await setUp();
    const tables = [
      { topic: "all", source: "store.item" },
      { topic: "all", source: "store.counter", table: "counter" },
      { topic: "one", fields: { name: { constant: "of one" } }, table: "other", create: true },
    ];
    const { current } = await at.open(tables, { drop: ["store.audit"] });
    const target = (topic: string, table: RowParts["source"]) => {
      const found = current.target(topic, event(table));
      return found === "drop" ? found : found.table;
    };
    expect(target("all", of("item"))).toBe("item");
    expect(target("all", of("counter"))).toBe("counter");
    expect(target("all", of("audit"))).toBe("drop");
    expect(target("one", of("anything"))).toBe("other");
    expect(target("one", null)).toBe("other");
    expect(target("one", of("audit"))).toBe("drop");
    expect(target("all", { database: null, schema: "store", table: "item" })).toBe("item");
    expect(thrown(() => target("all", of("new")), "event_unmapped").message).toContain(
      'table "store.new" in topic "all"',
    );
    expect(thrown(() => target("all", null), "event_unmapped").details.hint).toContain(
      "add.fields: db,table",
    );
    expect(thrown(() => target("elsewhere", of("item")), "event_unmapped").message).toContain(
      'topic "elsewhere"',
    );
  });
});

describe("tombstones in a topic of several tables", () => {
  const of = (table: string) => ({ database: "store", schema: null, table });
  const tables = [
    { topic: "all", source: "store.item" },
    { topic: "all", source: "store.counter", table: "counter" },
  ];
  const echo = (source: RowParts["source"]) => {
    const { meta, ...event } = tombstoneEvent({ id: 1 });
    return { ...event, meta: { ...meta, source: source ?? null } };
  };

  test("go where their key's schema says, and are echoes where it says nothing", async () => {
    await using at = await setUp();
    const { current } = await at.open(tables, { drop: ["store.audit"] });
    const target = (source: RowParts["source"]) => {
      const found = current.target("all", echo(source));
      return found === "drop" ? found : found.table;
    };
    expect(target(null)).toBe("drop");
    expect(target(of("counter"))).toBe("counter");
    expect(target(of("audit"))).toBe("drop");
    expect(target(of("customers_of_all_shards"))).toBe("drop");
  });

  test("are of the table that the topic is named after, whether the mapping names it or not", async () => {
    await using at = await setUp();
    const { current } = await at.open([{ topic: "shop.store.item", source: "store.item" }]);
    expect(current.target("shop.store.item", echo(null))).toMatchObject({ table: "item" });
    const row = rowEvent({ op: "update", after: { id: 1 }, source: of("item"), form: "flattened" });
    expect(current.target("shop.store.item", row)).toMatchObject({ table: "item" });
  });

  test("are not the only sign of a delete: flattened rows without another are refused", async () => {
    await using at = await setUp();
    const { current } = await at.open(tables);
    const row = rowEvent({ op: "update", after: { id: 1 }, source: of("item"), form: "flattened" });
    const error = thrown(() => current.target("all", row), "event_refused");
    expect(error.details.hint).toContain("delete.tombstone.handling.mode=rewrite");
    expect(current.target("all", { ...row, marksDeletes: true })).toMatchObject({ table: "item" });
    const key = { values: { id: 1 }, types: null, schemaName: "shop.store.item.Key" };
    expect(current.target("all", { ...row, key })).toMatchObject({ table: "item" });
  });
});

describe("a table that is made", () => {
  test("has the columns' names and types and the record's key when the first row comes", async () => {
    await using at = await setUp();
    const keeper = await at.open([
      {
        family: "fresh",
        table: "thing",
        create: true,
        fields: { label: "Name", origin: { constant: "eu" } },
      },
    ]);
    await at.load(keeper, { op: "delete", before: { Id: 1, Name: "gone" } });
    const { json } = await at.app.call({ method: "GET", path: "/families/fresh/tables" });
    expect(json).toEqual({ family: "fresh", tables: [] });
    await at.load(keeper, { after: { Id: 1, Name: "a" }, key: { Id: 1 }, types: COLUMNS });
    expect(await at.fieldsOf("fresh/thing")).toEqual({ id: "integer", label: "string", origin: "string" });
    expect(await at.keyOf("fresh/thing")).toEqual(["id"]);
    expect(at.app.rows("SELECT * FROM fresh___thing")).toEqual([{ id: 1n, label: "a", origin: "eu" }]);
  });

  test("has the key of the mapping, with short types, where it names one", async () => {
    await using at = await setUp();
    const keeper = await at.open([{ table: "thing", create: true, key: ["name", "id"] }]);
    const types = { id: connectType("int64"), name: connectType("string") };
    await at.load(keeper, { after: { id: 1, name: "a" }, types });
    expect(await at.fieldsOf("shop/thing")).toEqual({ id: "integer", name: "string" });
    expect(await at.keyOf("shop/thing")).toEqual(["name", "id"]);
  });

  test("takes types from the mapping when events have no schema", async () => {
    await using at = await setUp();
    const table = { table: "thing", create: true, fields: { id: { from: "id", type: "integer" } } };
    const keeper = await at.open([{ ...table, drop: ["name"] }]);
    await at.load(keeper, { after: { id: 1, name: "a" } });
    expect(await at.fieldsOf("shop/thing")).toEqual({ id: "integer" });
  });

  test.each<[string, object, RowParts]>([
    ["a type that nobody tells", { rest: "same-name" }, { after: { id: 1 } }],
    [
      "a name that no field can have",
      {},
      { after: { größe: 1 }, types: { größe: connectType("int64") }, key: {} },
    ],
    ["no key", {}, { after: { Id: 1, Name: "a" }, key: null, types: COLUMNS }],
    [
      "a key that is dropped",
      { drop: ["Id"] },
      { after: { Id: 1, Name: "a" }, key: { Id: 1 }, types: COLUMNS },
    ],
    [
      "a key of a type that no key has",
      { fields: { id: { from: "Id", type: "text" } } },
      { after: { Id: 1, Name: "a" }, key: { Id: 1 }, types: COLUMNS },
    ],
    [
      "a column that the mapping names and the event lacks",
      { fields: { colour: "colour" } },
      { after: { Id: 1, Name: "a" }, key: { Id: 1 }, types: COLUMNS },
    ],
  ])("is refused, and nothing made, when the event has %s", async (_, spec, parts) => {
    await using at = await setUp();
    const keeper = await at.open([{ table: "thing", create: true, ...spec }]);
    const error = await rejected(at.load(keeper, parts), "event_refused");
    expect(error.message).toStartWith("Cannot load a row of shop/thing: the table cannot be made: ");
    expect(error.details.hint).toBeString();
    expect((await at.app.call({ method: "GET", path: "/schema/table/shop/thing" })).status).toBe(404);
  });

  test("is made once when two loaders make it at the same moment", async () => {
    await using at = await setUp();
    const spec = { family: "fresh", table: "thing", create: true, addFields: true };
    const keepers = await Promise.all([at.open([spec]), at.open([spec])]);
    const parts = (id: number) => ({ after: { Id: id, Name: "a" }, key: { Id: id }, types: COLUMNS });
    const event = rowEvent(parts(1));
    await Promise.all(
      keepers.map(async (keeper) => {
        const target = keeper.current.target("shop.store.item", event);
        const need = target === "drop" ? null : target.schemaNeed(event);
        if (need === null) throw new Error("the table is there already");
        await keeper.satisfy(need);
      }),
    );
    for (const [index, keeper] of keepers.entries()) await at.load(keeper, parts(index));
    expect(at.app.rows("SELECT id FROM fresh___thing")).toEqual([{ id: 0n }, { id: 1n }]);
  });

  test("is made once when the answer to its making is lost", async () => {
    await using at = await setUp();
    const keeper = await at.open([{ table: "thing", create: true }]);
    at.network.faults.push("none", "lose-answer", "none", "none", "lose-answer", "none", "unknown");
    await at.load(keeper, { after: { Id: 1, Name: "a" }, key: { Id: 1 }, types: COLUMNS });
    expect(at.app.rows("SELECT id FROM shop___thing")).toEqual([{ id: 1n }]);
  });

  test("takes the rows of two shards whose constants are in its key", async () => {
    await using at = await setUp();
    const shard = (topic: string) => ({
      ...{ topic, table: "thing", create: true, key: ["shard", "id"] },
      fields: { shard: { constant: topic }, id: "Id", name: "Name" },
    });
    const keeper = await at.open([shard("eu"), shard("us")]);
    for (const topic of ["eu", "us"]) {
      await at.load(keeper, { after: { Id: 1, Name: topic }, key: { Id: 1 }, types: COLUMNS }, topic);
    }
    await at.load(keeper, { op: "delete", before: { Id: 1, Name: "" }, key: { Id: 1 } }, "eu");
    expect(at.app.rows("SELECT * FROM shop___thing")).toEqual([{ shard: "us", id: 1n, name: "us" }]);
  });
});

describe("fields that are added", () => {
  const WIDER: Types = { ...COLUMNS, Colour: connectType("string"), Weight: connectType("double") };
  const narrow = { after: { Id: 1, Name: "a" }, key: { Id: 1 }, types: COLUMNS };
  const wide = { after: { Id: 2, Name: "b", Colour: "red", Weight: 2.5 }, key: { Id: 2 }, types: WIDER };

  test("are those of the new columns when the origin's table has grown, constants too", async () => {
    await using at = await setUp();
    await at.load(await at.open([{ table: "thing", create: true }]), narrow);
    const spec = { table: "thing", addFields: true, fields: { loader: { constant: 1 } } };
    const keeper = await at.open([spec]);
    const before = keeper.current.tables[0];
    await at.load(keeper, wide);
    expect(await at.fieldsOf("shop/thing")).toEqual({
      ...{ id: "integer", name: "string", colour: "text" },
      ...{ weight: "decimal", loader: "integer" },
    });
    expect(at.app.rows("SELECT id, colour, weight, loader FROM shop___thing ORDER BY id")).toEqual([
      { id: 1n, colour: null, weight: null, loader: null },
      { id: 2n, colour: "red", weight: 2.5, loader: 1n },
    ]);
    expect(keeper.current.tables[0]).not.toBe(before);
  });

  test("are taken as they are when somebody else added some of them meanwhile", async () => {
    await using at = await setUp();
    const keeper = await at.open([{ table: "thing", create: true, addFields: true }]);
    await at.load(keeper, narrow);
    const body = JSON.stringify({
      fields: [
        ["colour", "string"],
        ["unrelated", "integer"],
      ],
    });
    await at.app.call({ method: "PUT", path: "/families/shop/tables/thing", body });
    await at.load(keeper, wide);
    expect(await at.fieldsOf("shop/thing")).toMatchObject({ colour: "string", weight: "decimal" });
    expect(at.app.rows("SELECT colour FROM shop___thing WHERE id = 2")).toEqual([{ colour: "red" }]);
  });

  test("are added between the look and the change of another loader without harm to either", async () => {
    await using at = await setUp();
    const keepers = await Promise.all(
      [1, 2].map(() => at.open([{ table: "thing", create: true, addFields: true }])),
    );
    for (const keeper of keepers) await at.load(keeper, narrow);
    const event = rowEvent(wide);
    await Promise.all(
      keepers.map(async (keeper) => {
        const target = keeper.current.target("shop.store.item", event);
        const need = target === "drop" ? null : target.schemaNeed(event);
        expect(need).toMatchObject({ kind: "add-fields", table: "thing" });
        if (need !== null) await Promise.all([keeper.satisfy(need), keeper.satisfy(need)]);
      }),
    );
    for (const keeper of keepers) await at.load(keeper, wide);
    expect(await at.fieldsOf("shop/thing")).toMatchObject({ colour: "text", weight: "decimal" });
  });

  test("are made with the table when that was dropped meanwhile: the event is not at fault", async () => {
    await using at = await setUp();
    const keeper = await at.open([{ table: "thing", create: true, addFields: true }]);
    await at.load(keeper, narrow);
    await at.app.call({ method: "DELETE", path: "/families/shop/tables/thing" });
    const target = keeper.current.target("shop.store.item", rowEvent(wide));
    const need = target === "drop" ? null : target.schemaNeed(rowEvent(wide));
    if (need === null) throw new Error("nothing is needed");
    await keeper.satisfy(need);
    expect(keeper.current.tables[0]?.schema).toBeNull();
    await at.load(keeper, wide);
    expect(await at.fieldsOf("shop/thing")).toMatchObject({ colour: "text", weight: "decimal" });
  });

  test("are refused as the event's fault when the table can have no more of them", async () => {
    await using at = await setUp();
    const keeper = await at.open([{ table: "thing", create: true, addFields: true }]);
    await at.load(keeper, narrow);
    const names = Array.from({ length: 200 }, (_, index) => `f${index}`);
    const after = Object.fromEntries(names.map((name) => [name, 1]));
    const types = Object.fromEntries(names.map((name) => [name, connectType("int64")]));
    const parts = { after: { Id: 1, ...after }, key: { Id: 1 }, types: { ...COLUMNS, ...types } };
    const error = await rejected(at.load(keeper, parts), "event_refused");
    expect(error.message).toContain("Cannot make what a row of shop/thing needs");
  });

  test("are not added unless the mapping says so", async () => {
    await using at = await setUp();
    const keeper = await at.open([{ table: "thing", create: true }]);
    await at.load(keeper, narrow);
    expect((await rejected(at.load(keeper, wide), "event_refused")).details.field).toBe("Colour");
    expect(await at.fieldsOf("shop/thing")).toEqual({ id: "integer", name: "string" });
  });
});

test("renewing sees fields that others added, and refuses a table that is gone", async () => {
  await using at = await setUp();
  const keeper = await at.open([{ table: "counter" }]);
  const body = JSON.stringify({ fields: [["colour", "string"]] });
  await at.app.call({ method: "PUT", path: "/families/shop/tables/counter", body });
  expect(keeper.current.tables[0]?.schema?.fields).toHaveLength(2);
  await keeper.renew();
  expect(keeper.current.tables[0]?.schema?.fields).toHaveLength(3);
  const { current } = keeper;
  await keeper.renew();
  expect(keeper.current.tables[0]).toBe(current.tables[0]); // what is as it was keeps what it has compiled
  await at.app.call({ method: "DELETE", path: "/families/shop/tables/counter" });
  const error = await rejected(keeper.renew(), "mapping_invalid");
  expect(error.message).toContain("tables[0].table names shop/counter, which does not exist");
  expect(keeper.current.tables[0]).toBe(current.tables[0]);
});
