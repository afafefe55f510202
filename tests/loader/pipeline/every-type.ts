/**
 * A table of the origin with every column type that Debezium knows of MariaDB, where each goes, and what MariaDB itself
 * says of the values: the text to compare with is made by the server, by no code of the loader's.
 */

export interface TypedColumn {
  readonly name: string;
  /** At the origin. */
  readonly column: string;
  /** The field's type in ctlstore. */
  readonly field: "integer" | "decimal" | "string" | "text" | "binary" | "bytestring";
  /** SQL that makes MariaDB's own text of the value; HEX for bytes. The column's plain text when absent. */
  readonly asText?: string;
  /** SQL literals: first an ordinary one, then the edges. */
  readonly values: readonly string[];
}

export const EVERY_TYPE: readonly TypedColumn[] = [
  { name: "c_bit1", column: "BIT(1)", field: "integer", asText: "c_bit1+0", values: ["b'1'", "b'0'"] },
  {
    name: "c_bit20",
    column: "BIT(20)",
    field: "bytestring",
    asText: "LPAD(HEX(c_bit20), 6, '0')",
    values: ["b'10000000000000000001'", "1"],
  },
  { name: "c_bool", column: "BOOLEAN", field: "integer", values: ["1", "0"] },
  { name: "c_tiny", column: "TINYINT", field: "integer", values: ["5", "-128", "127"] },
  { name: "c_utiny", column: "TINYINT UNSIGNED", field: "integer", values: ["5", "255"] },
  { name: "c_small", column: "SMALLINT", field: "integer", values: ["5", "-32768"] },
  { name: "c_usmall", column: "SMALLINT UNSIGNED", field: "integer", values: ["5", "65535"] },
  { name: "c_medium", column: "MEDIUMINT", field: "integer", values: ["5", "-8388608"] },
  { name: "c_umedium", column: "MEDIUMINT UNSIGNED", field: "integer", values: ["5", "16777215"] },
  { name: "c_int", column: "INT", field: "integer", values: ["5", "-2147483648"] },
  { name: "c_uint", column: "INT UNSIGNED", field: "integer", values: ["5", "4294967295"] },
  {
    name: "c_big",
    column: "BIGINT",
    field: "integer",
    values: ["5", "-9223372036854775808", "9223372036854775807", "9007199254740993"],
  },
  {
    name: "c_ubig",
    column: "BIGINT UNSIGNED",
    field: "integer",
    values: ["5", "9223372036854775807", "9007199254740993"],
  },
  { name: "c_float", column: "FLOAT", field: "decimal", values: ["1.1", "-0.5", "1e10", "3.40282e38"] },
  {
    name: "c_double",
    column: "DOUBLE",
    field: "decimal",
    values: ["0.1", "1.7976931348623157e308", "-5e-324", "123456789.123456789"],
  },
  { name: "c_dec", column: "DECIMAL(10,2)", field: "decimal", values: ["12.34", "-99999999.99", "0"] },
  {
    name: "c_dec_text",
    column: "DECIMAL(65,30)",
    field: "string",
    values: [
      "-0.000000000000000000000000000001",
      "99999999999999999999999999999999999.999999999999999999999999999999",
    ],
  },
  { name: "c_dec_int", column: "DECIMAL(18,0)", field: "integer", values: ["123", "-999999999999999999"] },
  { name: "c_char", column: "CHAR(10)", field: "string", values: ["'abc'", "''", "'é😀'"] },
  {
    name: "c_varchar",
    column: "VARCHAR(191)",
    field: "string",
    values: ["'it''s'", "' '", "REPEAT('😀', 191)"],
  },
  { name: "c_latin", column: "VARCHAR(20) CHARACTER SET latin1", field: "string", values: ["'café'", "'€'"] },
  { name: "c_tinytext", column: "TINYTEXT", field: "text", values: ["'short'"] },
  { name: "c_text", column: "TEXT", field: "text", values: ["'a\\nb\\tc'", "REPEAT('long ', 2000)"] },
  { name: "c_mediumtext", column: "MEDIUMTEXT", field: "text", values: ["'m'", "REPEAT('é', 40000)"] },
  { name: "c_longtext", column: "LONGTEXT", field: "text", values: ["'l'"] },
  {
    name: "c_binary",
    column: "BINARY(4)",
    field: "bytestring",
    asText: "HEX(c_binary)",
    values: ["X'01020304'", "X'00'"],
  },
  {
    name: "c_varbinary",
    column: "VARBINARY(20)",
    field: "bytestring",
    asText: "HEX(c_varbinary)",
    values: ["X'FF00FE'", "''"],
  },
  { name: "c_tinyblob", column: "TINYBLOB", field: "binary", asText: "HEX(c_tinyblob)", values: ["X'00'"] },
  {
    name: "c_blob",
    column: "BLOB",
    field: "binary",
    asText: "HEX(c_blob)",
    values: ["X'DEADBEEF'", "REPEAT(X'FF', 5000)"],
  },
  {
    name: "c_mediumblob",
    column: "MEDIUMBLOB",
    field: "binary",
    asText: "HEX(c_mediumblob)",
    values: ["X'01'"],
  },
  { name: "c_longblob", column: "LONGBLOB", field: "binary", asText: "HEX(c_longblob)", values: ["X'02'"] },
  {
    name: "c_date",
    column: "DATE",
    field: "string",
    values: ["'2024-02-29'", "'1000-01-01'", "'9999-12-31'"],
  },
  {
    name: "c_time",
    column: "TIME(6)",
    field: "string",
    values: ["'12:34:56.123456'", "'-838:59:59.000000'", "'838:59:59.999999'", "'-00:00:00.000001'"],
  },
  {
    name: "c_datetime",
    column: "DATETIME",
    field: "string",
    values: ["'2024-02-29 12:34:56'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"],
  },
  {
    name: "c_datetime3",
    column: "DATETIME(3)",
    field: "string",
    values: ["'2024-02-29 12:34:56.123'", "'1969-12-31 23:59:59.999'"],
  },
  {
    name: "c_datetime6",
    column: "DATETIME(6)",
    field: "string",
    values: ["'2024-02-29 12:34:56.123456'", "'9999-12-31 23:59:59.999999'"],
  },
  {
    name: "c_timestamp",
    column: "TIMESTAMP NULL",
    field: "string",
    values: ["'2024-02-29 12:34:56'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"],
  },
  {
    name: "c_timestamp6",
    column: "TIMESTAMP(6) NULL",
    field: "string",
    values: ["'2024-02-29 12:34:56.123456'"],
  },
  {
    name: "c_year",
    column: "YEAR",
    field: "integer",
    asText: "c_year+0",
    values: ["2024", "1901", "2155", "0"],
  },
  { name: "c_enum", column: "ENUM('small','it''s','a,b')", field: "string", values: ["'it''s'", "'a,b'"] },
  { name: "c_set", column: "SET('x','y','z')", field: "string", values: ["'x,z'", "''"] },
  {
    name: "c_json",
    column: "JSON",
    field: "text",
    values: [`'{"a": [1, 12345678901234567890, null]}'`, "'3'"],
  },
  { name: "c_uuid", column: "UUID", field: "string", values: ["'123e4567-e89b-12d3-a456-426655440000'"] },
  { name: "c_inet4", column: "INET4", field: "string", values: ["'192.168.0.1'"] },
  { name: "c_inet6", column: "INET6", field: "string", values: ["'2001:db8::ff00:42:8329'", "'::'"] },
  {
    name: "c_point",
    column: "POINT",
    field: "binary",
    asText: "HEX(c_point)",
    values: ["POINT(1.5, -2)"],
  },
  {
    name: "c_line",
    column: "LINESTRING",
    field: "binary",
    asText: "HEX(c_line)",
    values: ["ST_GeomFromText('LINESTRING(0 0, 1 1, 2.5 3)')"],
  },
  {
    name: "c_polygon",
    column: "POLYGON",
    field: "binary",
    asText: "HEX(c_polygon)",
    values: ["ST_GeomFromText('POLYGON((0 0, 4 0, 4 4, 0 0))')"],
  },
];

export const EVERY_TYPE_TABLE = `CREATE TABLE every_type (id INT PRIMARY KEY, ${EVERY_TYPE.map(
  ({ name, column }) => `${name} ${column}`,
).join(", ")})`;

/** How many rows hold every value once. */
export const EVERY_TYPE_ROWS = Math.max(...EVERY_TYPE.map(({ values }) => values.length));

/** SQL that inserts row `id`, with the values of that number. */
export function insertOf(id: number): string {
  const values = EVERY_TYPE.map((column) => column.values[id % column.values.length]);
  const names = EVERY_TYPE.map(({ name }) => name);
  return `INSERT INTO every_type (${["id", ...names].join(", ")}) VALUES (${[id, ...values].join(", ")})`;
}

/** SQL that sets every column of a row to its values of another number. */
export function updateOf(id: number, number: number): string {
  const parts = EVERY_TYPE.map(({ name, values }) => `${name} = ${values[number % values.length]}`);
  return `UPDATE every_type SET ${parts.join(", ")} WHERE id = ${id}`;
}

/** SQL for a row that is all NULL. */
export const nullRow = (id: number): string => `INSERT INTO every_type (id) VALUES (${id})`;

/** SQL for all values as the server's own text, in the order of the key. */
export const TEXTS_QUERY = `SELECT CAST(id AS CHAR) AS id, ${EVERY_TYPE.map(
  ({ name, asText = name }) => `CAST(${asText} AS CHAR) AS ${name}`,
).join(", ")} FROM every_type ORDER BY id`;
