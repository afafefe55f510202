/**
 * The mapping file's form: what its members are called, what they mean, and what they may be.
 *
 * Forms only: whether names, tables and fields go together is looked at in `plan.ts`, and whether they fit the live tables in
 * `fit.ts`. The same declarations make the JSON schema for editors (`json-schema.ts`), so every member has its description.
 */
import * as v from "valibot";
import { FIELD_TYPES } from "../../core/field-types.ts";
import { isJsonObject } from "../../core/wire/json-body.ts";

const Topic = v.pipe(
  v.string(),
  v.regex(/^(?!\.{1,2}$)[\w.-]{1,249}$/, "the name of a topic: up to 249 of A-Z a-z 0-9 . _ -"),
);
const Name = v.pipe(v.string(), v.nonEmpty("a name"));

/** The modes in which the connector was set up; see `ColumnRules`. */
const RULE_ENTRIES = {
  decimal: v.exactOptional(
    v.pipe(
      v.picklist(["precise", "double", "string"]),
      v.description("the connector's decimal.handling.mode"),
    ),
  ),
  binary: v.exactOptional(
    v.pipe(
      v.picklist(["bytes", "base64", "base64-url-safe", "hex"]),
      v.description("the connector's binary.handling.mode; needed for all but bytes"),
    ),
  ),
  bigintUnsigned: v.exactOptional(
    v.pipe(v.picklist(["long", "precise"]), v.description("the connector's bigint.unsigned.handling.mode")),
  ),
  time: v.exactOptional(
    v.pipe(
      v.picklist([
        "adaptive",
        "adaptive_time_microseconds",
        "connect",
        "isostring",
        "microseconds",
        "nanoseconds",
      ]),
      v.description("the connector's time.precision.mode"),
    ),
  ),
  epochDates: v.exactOptional(
    v.pipe(
      v.picklist(["keep", "null", "refuse"]),
      v.description(
        "what to make of 1970-01-01, which also stands for a zero date in a column that is NOT NULL",
      ),
    ),
  ),
};

const Values = v.pipe(
  v.strictObject(RULE_ENTRIES),
  v.description(
    "how the connector writes values; needed where it is not set to its defaults and events have no schema",
  ),
  v.examples([{ decimal: "string", binary: "base64" }]),
);

const Type = v.exactOptional(
  v.pipe(
    v.picklist(FIELD_TYPES),
    v.description(
      "the field's type, for tables and fields that the loader makes; chosen by the column's unless given",
    ),
  ),
);

export const ColumnSource = v.pipe(
  v.strictObject({
    from: v.pipe(
      Name,
      v.description("the column at the origin, exactly as it is written there"),
      v.examples(["Unit Price"]),
    ),
    type: Type,
    column: v.exactOptional(
      v.pipe(
        Name,
        v.description("the column's type at the origin, for events without schema"),
        v.examples(["date", "datetime(6)", "bit(8)", "bigint unsigned"]),
      ),
    ),
    scale: v.exactOptional(
      v.pipe(
        v.number(),
        v.integer("a whole number"),
        v.minValue(0, "0 to 65"),
        v.maxValue(65, "0 to 65"),
        v.description("digits after the point of a DECIMAL, for events without schema"),
        v.examples([2]),
      ),
    ),
    ...RULE_ENTRIES,
  }),
  v.description("a column of another name, or one whose values need telling"),
  v.examples([
    { from: "Unit Price", scale: 2 },
    { from: "born", column: "date" },
  ]),
);
export type ColumnSource = v.InferOutput<typeof ColumnSource>;

/** A number here is safe or has a fraction; integers beyond 2^53 are bigints (json-document.ts). */
const ConstantValue = v.union(
  [v.string(), v.number(), v.bigint(), v.boolean()],
  "a string, a number, true or false",
);

export const ConstantSource = v.pipe(
  v.strictObject({
    constant: v.pipe(
      ConstantValue,
      v.description("the value in every row; base64 for bytes"),
      v.examples(["eu", 7]),
    ),
    type: Type,
  }),
  v.description("the same value in every row, such as the shard that it comes from"),
  v.examples([{ constant: "eu" }]),
);
export type ConstantSource = v.InferOutput<typeof ConstantSource>;

export const ColumnName = v.pipe(
  Name,
  v.description("the column at the origin, exactly as it is written there"),
);

/**
 * The fields by name. Their members are looked at one by one (`read-file.ts`): valibot's record would drop a field named
 * `constructor`, and its unions say of a wrong member only that it is none of them.
 */
export const Fields = v.custom<Record<string, unknown>>(isJsonObject, "an object");

const Table = v.strictObject({
  topic: v.pipe(Topic, v.description("where the table's changes are"), v.examples(["shop.store.item"])),
  source: v.exactOptional(
    v.pipe(
      Name,
      v.description("database.table at the origin; needed where a topic holds several tables"),
      v.examples(["store.item"]),
    ),
  ),
  family: v.pipe(v.string(), v.description("the family that the rows go to"), v.examples(["shop"])),
  table: v.pipe(v.string(), v.description("the table that the rows go to"), v.examples(["item"])),
  lane: v.exactOptional(
    v.pipe(
      v.picklist(["topic", "partition"]),
      v.description(
        "what one instance of the loader takes as a whole: the topic (default), or each partition by itself, for a topic that is too much for one",
      ),
    ),
  ),
  fields: v.exactOptional(
    v.pipe(
      Fields,
      v.description("by field: the column that it comes from, or more about it, or a constant"),
      v.examples([{ price: "UnitPrice", shard: { constant: "eu" } }]),
    ),
  ),
  rest: v.exactOptional(
    v.pipe(
      v.picklist(["same-name", "drop", "refuse"]),
      v.description(
        "columns that are not named in fields or drop: go to the field of the same name in lower case (default), are left out, or stop the loader",
      ),
    ),
  ),
  drop: v.exactOptional(
    v.pipe(v.array(Name), v.description("columns to leave out"), v.examples([["internal_note"]])),
  ),
  values: v.exactOptional(Values),
  create: v.exactOptional(
    v.pipe(
      v.boolean(),
      v.description("true makes the family and the table with the first row, if they are not there"),
    ),
  ),
  addFields: v.exactOptional(
    v.pipe(v.boolean(), v.description("true adds a field for each new column of the origin")),
  ),
  key: v.exactOptional(
    v.pipe(
      v.array(v.string()),
      v.minLength(1, "at least one field"),
      v.description("the key fields of a table that is made; otherwise those of the record's key"),
      v.examples([["shard", "id"]]),
    ),
  ),
  vanishedRows: v.exactOptional(
    v.pipe(
      v.picklist(["keep", "report", "sweep"]),
      v.description(
        "rows that a new snapshot of the origin does not have: keep (default), report their number and some keys, or delete",
      ),
    ),
  ),
  sweepAtMostPercent: v.exactOptional(
    v.pipe(
      v.number(),
      v.minValue(0, "0 to 100"),
      v.maxValue(100, "0 to 100"),
      v.description(
        "a sweep that would delete more of the table's rows than this reports them instead (50 unless given)",
      ),
      v.examples([20]),
    ),
  ),
  onTruncate: v.exactOptional(
    v.pipe(
      v.picklist(["stop", "ignore", "clear"]),
      v.description("when the origin truncates the table: stop (default), ignore it, or delete every row"),
    ),
  ),
});
export type TableSpec = v.InferOutput<typeof Table>;

export const MappingDocument = v.strictObject({
  $schema: v.exactOptional(
    v.pipe(
      v.string(),
      v.description("where an editor finds the schema of this file"),
      v.examples(["./mapping.schema.json"]),
    ),
  ),
  version: v.pipe(v.literal(1), v.description("of the form of this file")),
  transactionTopic: v.exactOptional(
    v.pipe(
      Topic,
      v.description("the connector's transaction topic; needed by --preserve-transactions"),
      v.examples(["shop.transaction"]),
    ),
  ),
  values: v.exactOptional(Values),
  tables: v.pipe(
    v.array(Table),
    v.minLength(1, "at least one table"),
    v.description("where the rows of each table of the origin go"),
    v.examples([[{ topic: "shop.store.item", family: "shop", table: "item" }]]),
  ),
  drop: v.exactOptional(
    v.pipe(
      v.array(Name),
      v.description("tables (database.table) whose events in these topics are left out"),
      v.examples([["store.audit"]]),
    ),
  ),
});
export type MappingDocument = v.InferOutput<typeof MappingDocument>;
