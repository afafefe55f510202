/** Rows of the origin as mutations (R31, R33): every kind of event, keys that change, columns with and without a place. */
import { describe, expect, test } from "bun:test";
import type { TableDefinition } from "../../../core/schema.ts";
import type { RowMutation } from "../../../loader/mapping/mapping.ts";
import { connectType, ITEM, image, mappedTable, type RowParts, rowEvent, tombstoneEvent } from "./mapped.ts";
import { thrown } from "./thrown.ts";

type Short = readonly ["delete" | "upsert", Readonly<Record<string, unknown>>];

/** Mutations without what is the same in all of them. */
function short(mutations: readonly RowMutation[]): Short[] {
  return mutations.map((mutation) => {
    expect(mutation).toMatchObject({ family: "shop", table: "item" });
    return [mutation.delete ? "delete" : "upsert", { ...mutation.values }];
  });
}

function mapped(parts: RowParts, spec: object = {}, definition = ITEM): Short[] {
  return short(mappedTable(spec, definition).toMutations(rowEvent(parts)));
}

function refused(parts: RowParts, spec: object = {}, definition = ITEM) {
  return thrown(() => mappedTable(spec, definition).toMutations(rowEvent(parts)), "event_refused");
}

const ROW = { id: 7, name: "tea", price: 2.5 };
const VALUES = { id: 7n, name: "tea", price: 2.5 };

describe("a row event", () => {
  test.each(["create", "read", "update"] as const)("is an upsert of the whole row when it is a %s", (op) => {
    const before = op === "update" ? { ...ROW, name: "coffee" } : null;
    expect(mapped({ op, before, after: ROW })).toEqual([["upsert", VALUES]]);
  });

  test("is a delete by the key of the old row when the row is gone", () => {
    expect(mapped({ op: "delete", before: ROW })).toEqual([["delete", { id: 7n }]]);
  });

  test("is a delete by the record's key when the old row is not there or does not tell the key", () => {
    expect(mapped({ op: "delete", key: { id: 7 } })).toEqual([["delete", { id: 7n }]]);
    expect(mapped({ op: "delete", before: { name: "tea" }, key: { id: 7 } })).toEqual([
      ["delete", { id: 7n }],
    ]);
    expect(mapped({ op: "delete", before: { id: null }, key: { id: 7 } })).toEqual([["delete", { id: 7n }]]);
  });

  test("is refused when nothing tells the deleted row's key", () => {
    const error = refused({ op: "delete", before: { name: "tea" }, key: null });
    expect(error.message).toBe(
      'Cannot load a row of shop/item: the deleted row does not tell key field "id"',
    );
    expect(error.details).toEqual({
      field: "id",
      hint: "the origin must log whole rows: binlog_row_image=FULL",
    });
  });

  test("R31 is a delete of the old row, then an upsert of the new one when the key changed", () => {
    expect(mapped({ op: "update", before: { ...ROW, id: 6 }, after: ROW })).toEqual([
      ["delete", { id: 6n }],
      ["upsert", VALUES],
    ]);
  });

  test("is one upsert when an update has no old row and the record's key is the table's", () => {
    expect(mapped({ op: "update", after: ROW })).toEqual([["upsert", VALUES]]);
    expect(mapped({ op: "update", before: { name: "x" }, after: ROW })).toEqual([["upsert", VALUES]]);
  });

  test("keeps null as null, and 2^63-1 exact", () => {
    const after = { id: 2n ** 63n - 1n, name: null, price: null };
    expect(mapped({ after })).toEqual([["upsert", after]]);
  });

  test("is refused with the field when a value does not fit", () => {
    expect(refused({ after: { ...ROW, id: "seven" } }).details.field).toBe("id");
    expect(refused({ after: { ...ROW, name: "x".repeat(192) } }).details.field).toBe("name");
    expect(refused({ after: { ...ROW, price: {} } }).details.field).toBe("price");
  });

  test("is refused when a key field is null or has no column", () => {
    expect(refused({ after: { ...ROW, id: null } }).message).toEndWith('key field "id" is null');
    expect(refused({ after: { name: "tea" } }).message).toEndWith(
      'the event has no column for key field "id"',
    );
  });

  test("leaves fields without a column null, as of a row from before they were added", () => {
    expect(mapped({ after: { id: 7, name: "tea" } })).toEqual([["upsert", { id: 7n, name: "tea" }]]);
  });
});

describe("a tombstone", () => {
  test("is a delete when the record's key has the table's", () => {
    expect(short(mappedTable().toMutations(tombstoneEvent({ id: 7 })))).toEqual([["delete", { id: 7n }]]);
  });

  test("is nothing when the record's key does not have the table's: the echo of a delete", () => {
    const table = mappedTable({ fields: { id: "number" } });
    expect(table.toMutations(tombstoneEvent({ id: 7 }))).toEqual([]);
    expect(table.toMutations(tombstoneEvent(null))).toEqual([]);
  });
});

describe("a flattened event", () => {
  test("is a row like any other when the record's key is the table's", () => {
    expect(mapped({ form: "flattened", op: "update", after: ROW })).toEqual([["upsert", VALUES]]);
    expect(mapped({ form: "flattened", op: "delete", before: ROW })).toEqual([["delete", { id: 7n }]]);
  });

  test.each(["create", "read", "update"] as const)(
    "is refused at the first %s when the record's key is not the table's, since its deletes would be lost",
    (op) => {
      const error = refused({ form: "flattened", op, after: ROW, key: { other: 1 } });
      expect(error.message).toContain('the record\'s key does not tell key field "id"');
      expect(error.details.hint).toContain("whole envelopes");
    },
  );
});

describe("a key that is not the record's", () => {
  const BY_NAME = { ...ITEM, keyFields: ["name"] };

  test("is taken from the row before and after", () => {
    expect(mapped({ op: "update", before: { ...ROW, name: "coffee" }, after: ROW }, {}, BY_NAME)).toEqual([
      ["delete", { name: "coffee" }],
      ["upsert", VALUES],
    ]);
    expect(mapped({ op: "update", before: { ...ROW, price: 1 }, after: ROW }, {}, BY_NAME)).toEqual([
      ["upsert", VALUES],
    ]);
    expect(mapped({ op: "delete", before: ROW }, {}, BY_NAME)).toEqual([["delete", { name: "tea" }]]);
  });

  test("makes an update and a delete without the old row be refused, with what the origin must do", () => {
    for (const parts of [
      { op: "update", after: ROW },
      { op: "update", after: ROW, before: { id: 7 } },
      { op: "delete", before: { id: 7 } },
      { op: "delete" },
    ] as const) {
      const error = refused({ key: { id: 7 }, ...parts }, {}, BY_NAME);
      expect(error.message).toContain('key field "name"');
      expect(error.details.hint).toContain("binlog_row_image=FULL");
    }
  });

  test("lets creates and snapshots pass without an old row", () => {
    expect(mapped({ op: "create", after: ROW }, {}, BY_NAME)).toHaveLength(1);
    expect(mapped({ op: "read", after: ROW }, {}, BY_NAME)).toHaveLength(1);
  });
});

describe("a topic of several partitions", () => {
  const TWO = {
    fields: [
      ["shard", "string"],
      ["id", "integer"],
      ["name", "string"],
    ],
    keyFields: ["shard", "id", "name"],
  } as const;
  const constant = { fields: { shard: { constant: "eu" } } };
  const row = { id: 7, name: "tea" };
  const from = (partition: number, parts: RowParts, spec: object, definition: TableDefinition) => () =>
    mappedTable(spec, definition).toMutations(rowEvent(parts), partition);

  test("gives rows whose record's key is the table's, or part of it, since these are in order", () => {
    expect(from(3, { after: ROW }, {}, ITEM)()).toHaveLength(1);
    expect(from(3, { after: row, key: { id: 7, name: "tea" } }, constant, TWO)()).toHaveLength(1);
    expect(from(3, { op: "update", after: row, before: { id: 7, name: "x" } }, constant, TWO)()).toHaveLength(
      2,
    );
  });

  test.each<[string, RowParts, object, TableDefinition]>([
    ["another column", { after: ROW }, {}, { ...ITEM, keyFields: ["name"] }],
    ["more than the table's", { after: ROW, key: { id: 7, name: "tea" } }, {}, ITEM],
    ["nothing", { after: ROW, key: null }, {}, ITEM],
    ["nothing of the table's", { op: "delete", before: ROW, key: { other: 1 } }, {}, ITEM],
  ])(
    "has its rows refused when the record's key is %s: a delete might come after the next create",
    (_, parts, spec, definition) => {
      expect(from(0, parts, spec, definition)()).toHaveLength(1);
      const error = thrown(from(1, parts, spec, definition), "event_refused");
      expect(error.details.hint).toContain("message.key.columns");
    },
  );
});

describe("columns", () => {
  test("go to the field of the same name in lower case, unless they are named", () => {
    const fields = { price: "Unit Price", name: { from: "NAME" } };
    const after = { ID: 7, "Unit Price": 2.5, NAME: "tea" };
    expect(mapped({ after, key: { ID: 7 } }, { fields })).toEqual([["upsert", VALUES]]);
    expect(mapped({ op: "delete", before: after }, { fields })).toEqual([["delete", { id: 7n }]]);
  });

  test("may feed two fields, and be left out", () => {
    const fields = { id: "code", name: "code" };
    const parts = { after: { code: 12, price: 1, secret: "x" }, key: { code: 12 } };
    expect(mapped(parts, { fields, drop: ["secret"] })).toEqual([
      ["upsert", { id: 12n, name: "12", price: 1 }],
    ]);
  });

  test("are refused when the table has no such field: nothing is lost without a word", () => {
    const error = refused({ after: { ...ROW, colour: "red" } });
    expect(error.message).toContain('column "colour" would go to field "colour", which does not exist');
    expect(error.details).toMatchObject({
      field: "colour",
      hint: expect.stringContaining("list it in drop"),
    });
  });

  test("are refused when their name is none for a field, or is taken", () => {
    expect(refused({ after: { ...ROW, größe: 1 } }).message).toContain("a name that no field can have");
    expect(refused({ after: { ...ROW, NAME: "x" } }).message).toContain('which takes column "name"');
    expect(refused({ after: { ...ROW, title: "x" } }, { fields: { name: "title" } }).message).toContain(
      'column "name" would go to field "name", which takes column "title"',
    );
  });

  test("are left out or refused when the mapping says so of all that it does not name", () => {
    const fields = { id: "id", name: "name" };
    const after = { ...ROW, colour: "red" };
    expect(mapped({ after }, { fields, rest: "drop" })).toEqual([["upsert", { id: 7n, name: "tea" }]]);
    expect(refused({ after }, { fields, rest: "refuse" }).message).toContain('column "price" is not named');
    expect(mapped({ after }, { fields, rest: "refuse", drop: ["price", "colour"] })).toEqual([
      ["upsert", { id: 7n, name: "tea" }],
    ]);
  });

  test("that the mapping names are needed in every row: a missing one is not null", () => {
    const error = refused({ after: { id: 7, name: "tea" } }, { fields: { price: "cost" } });
    expect(error.message).toContain(
      'the event has no column "cost", which the mapping names for field "price"',
    );
    expect(error.details.field).toBe("price");
  });

  test("named like members of every object are columns like others", () => {
    const definition = {
      fields: [
        ["constructor", "string"],
        ["tostring", "string"],
      ],
      keyFields: ["constructor"],
    } as const;
    const after = Object.fromEntries([
      ["constructor", "a"],
      ["toString", "b"],
      ["__proto__", "c"],
    ]);
    const spec = { drop: ["__proto__"] };
    expect(
      short(mappedTable(spec, definition).toMutations(rowEvent({ after, key: { constructor: "a" } }))),
    ).toEqual([["upsert", { constructor: "a", tostring: "b" }]]);
  });

  test("are converted by the event's schema, and by the rules of the mapping without one", () => {
    const types = {
      id: connectType("int64"),
      price: connectType("bytes", {
        name: "org.apache.kafka.connect.data.Decimal",
        parameters: { scale: "2" },
      }),
    };
    expect(mapped({ after: { id: 7, price: "APo=" }, types })).toEqual([["upsert", { id: 7n, price: 2.5 }]]);
    const fields = { price: { from: "price", scale: 2, column: "decimal(5,2)" } };
    expect(mapped({ after: { id: 7, price: "APo=" } }, { fields })).toEqual([
      ["upsert", { id: 7n, price: 2.5 }],
    ]);
  });

  test("of a schema that does not say what the row has are refused", () => {
    const types = { id: connectType("int64"), name: connectType("string") };
    expect(refused({ after: { id: 7 }, types }).message).toContain("do not have the same columns");
    expect(refused({ after: { id: 7, name: "a", price: 1 }, types }).details.field).toBe("price");
  });

  test("are looked at again when the origin's table changes in the middle", () => {
    const table = mappedTable();
    const names = (after: Record<string, unknown>) => short(table.toMutations(rowEvent({ after })));
    expect(names({ id: 1, name: "a" })).toEqual([["upsert", { id: 1n, name: "a" }]]);
    expect(names({ id: 2, name: "b", price: 1 })).toEqual([["upsert", { id: 2n, name: "b", price: 1 }]]);
    expect(names({ id: 3 })).toEqual([["upsert", { id: 3n }]]);
  });
});

describe("constants", () => {
  const SHARDED = {
    fields: [
      ["shard", "string"],
      ["id", "integer"],
      ["name", "string"],
    ],
    keyFields: ["shard", "id"],
  } as const;
  const spec = { fields: { shard: { constant: "eu" } } };

  test("are in every row, and in the key of deletes and tombstones", () => {
    const table = mappedTable(spec, SHARDED);
    const run = (parts: RowParts) => short(table.toMutations(rowEvent(parts)));
    expect(run({ after: { id: 1, name: "a" } })).toEqual([["upsert", { shard: "eu", id: 1n, name: "a" }]]);
    expect(run({ op: "update", before: { id: 1, name: "a" }, after: { id: 2, name: "a" } })).toEqual([
      ["delete", { shard: "eu", id: 1n }],
      ["upsert", { shard: "eu", id: 2n, name: "a" }],
    ]);
    expect(short(table.toMutations(tombstoneEvent({ id: 1 })))).toEqual([
      ["delete", { shard: "eu", id: 1n }],
    ]);
    expect([...table.constants]).toEqual([["shard", "eu"]]);
  });

  test("are values of their field's type: integers beyond 2^53, bytes, booleans", () => {
    const definition = {
      fields: [
        ["id", "integer"],
        ["big", "integer"],
        ["raw", "binary"],
        ["flag", "integer"],
      ],
      keyFields: ["id"],
    } as const;
    const fields = { big: { constant: 1 }, raw: { constant: "AP8=" }, flag: { constant: true } };
    const after = { id: 1 };
    expect(mapped({ after }, { fields }, definition)).toEqual([
      ["upsert", { id: 1n, big: 1n, raw: Buffer.from([0, 255]), flag: 1n }],
    ]);
  });
});

describe("a record's key with a schema beside a row without one, or the other way round", () => {
  const DAY = { fields: [["day", "string"]], keyFields: ["day"] } as const;
  const date = { day: connectType("int32", { name: "io.debezium.time.Date" }) };
  const typed = image({ day: 19_723 }, date);
  const bare = image({ day: 19_723 });
  const event = rowEvent({ after: { day: 1 }, key: { day: 1 } });

  test("is refused when they are not read alike, since tombstones would delete nothing", () => {
    const table = mappedTable({}, DAY);
    for (const [key, after] of [
      [typed, bare],
      [bare, typed],
    ] as const) {
      const error = thrown(() => table.toMutations({ ...event, key, after }), "event_refused");
      expect(error.details.hint).toContain("key.converter.schemas.enable");
    }
    expect(short(table.toMutations({ ...event, key: typed, after: typed }))).toEqual([
      ["upsert", { day: "2024-01-01" }],
    ]);
  });

  test("is taken when they are, as of an integer, or by the mapping", () => {
    const table = mappedTable({ fields: { day: { from: "day", column: "date" } } }, DAY);
    expect(short(table.toMutations({ ...event, key: bare, after: typed }))).toHaveLength(1);
    expect(
      mapped({
        after: ROW,
        types: { id: connectType("int64"), name: connectType("string"), price: connectType("double") },
      }),
    ).toHaveLength(1);
  });
});

describe("a table that does not exist yet", () => {
  test("has nothing to delete, and takes no row before it is made", () => {
    const table = mappedTable({ create: true }, null);
    expect(table.toMutations(rowEvent({ op: "delete", before: ROW }))).toEqual([]);
    expect(table.toMutations(tombstoneEvent({ id: 1 }))).toEqual([]);
    expect(thrown(() => table.toMutations(rowEvent({ after: ROW })), "event_refused").message).toContain(
      "does not exist yet",
    );
  });
});
