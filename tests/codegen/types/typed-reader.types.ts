/**
 * What the compiler must allow and refuse of a generated reader. Never run: compiled with the project, and by
 * `typed-reader.test.ts` against the packed reader. A line under `@ts-expect-error` that compiles is an error.
 */
import {
  openTypedReader,
  type Schema,
  type SchemaReader,
  type ShopItemsRow,
  type ShopOrderLinesKey,
  waitForTypedReader,
} from "../fixture/typed-reader.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<_Condition extends true>(): void {}

export function points(reader: SchemaReader, bytes: Uint8Array): void {
  const item = reader.getRowByKey("shop", "items", "a");
  holds<Same<typeof item, ShopItemsRow | null>>();
  holds<Same<ShopItemsRow["price"], number | null>>();
  holds<Same<ShopItemsRow["image"], Uint8Array | null>>();
  holds<Same<ShopItemsRow["id"], string>>();
  holds<Same<ShopOrderLinesKey, [order: number | bigint, group: string, digest: Uint8Array]>>();
  reader.getRowByKey("shop", "order_lines", 1, "g", bytes);
  reader.getRowByKey("shop", "order_lines", 9007199254740993n, "g", bytes);
  holds<
    Same<
      ReturnType<typeof reader.getRowByKey<"constructor", "prototype">>,
      Schema["constructor"]["prototype"]["row"] | null
    >
  >();

  // @ts-expect-error no such family
  reader.getRowByKey("shops", "items", "a");
  // @ts-expect-error no such table
  reader.getRowByKey("shop", "item", "a");
  // @ts-expect-error a table of another family
  reader.getRowByKey("abc", "items", "a");
  // @ts-expect-error a part of the key is of another type
  reader.getRowByKey("shop", "items", 1);
  // @ts-expect-error a part of the key is missing
  reader.getRowByKey("shop", "order_lines", 1, "g");
  // @ts-expect-error a part too many
  reader.getRowByKey("shop", "items", "a", "b");
  // @ts-expect-error no key at all
  reader.getRowByKey("shop", "items");
  // @ts-expect-error a key is never null
  reader.getRowByKey("shop", "items", null);
  // @ts-expect-error no such field
  console.log(item?.prise);
  // @ts-expect-error there may be no row
  console.log(item.price);
  // @ts-expect-error a field that is not of the key may be null
  console.log(item?.price.toFixed(2));
}

export function many(reader: SchemaReader, bytes: Uint8Array): void {
  const items = reader.getRows("shop", "items", ["a", ["b"]]);
  holds<Same<typeof items, (ShopItemsRow | null)[]>>();
  reader.getRows("shop", "order_lines", [[1, "g", bytes]] as const);
  reader.getRows("abc", "def_ghi", [1, 2n, [3]]);
  // @ts-expect-error a key of several parts cannot stand alone
  reader.getRows("shop", "order_lines", [1]);
  // @ts-expect-error of another type
  reader.getRows("shop", "items", [1]);
  // @ts-expect-error a part is missing
  reader.getRows("shop", "order_lines", [[1, "g"]]);
}

export function prefixes(reader: SchemaReader, bytes: Uint8Array): void {
  for (const line of reader.getRowsByKeyPrefix("shop", "order_lines", 1)) {
    holds<Same<typeof line, Schema["shop"]["order_lines"]["row"]>>();
  }
  reader.getRowsByKeyPrefix("shop", "order_lines");
  reader.getRowsByKeyPrefix("shop", "order_lines", 1n, "g");
  reader.getRowsByKeyPrefix("shop", "order_lines", 1, "g", bytes);
  // @ts-expect-error the beginning of the key, not its second part
  reader.getRowsByKeyPrefix("shop", "order_lines", "g");
  // @ts-expect-error more parts than the key has
  reader.getRowsByKeyPrefix("shop", "items", "a", "b");
  // @ts-expect-error a part left out is left out, not undefined
  reader.getRowsByKeyPrefix("shop", "order_lines", 1, undefined);
}

export function states(reader: SchemaReader): void {
  const price = reader.snapshot((reads) => reads.getRowByKey("shop", "items", "a")?.price ?? null);
  holds<Same<typeof price, number | null>>();
  // @ts-expect-error no such table, inside a snapshot either
  reader.snapshot((reads) => reads.getRowByKey("shop", "none", "a"));
  const sequence: bigint = reader.getLastSequence();
  void reader.waitFor(sequence, { timeoutMs: 5 });
  reader.close();
}

export async function changes(reader: SchemaReader): Promise<void> {
  for await (const change of reader.changes({ family: "shop", table: "order_lines", since: 7n })) {
    if (change.kind === "upsert" || change.kind === "delete") {
      holds<Same<typeof change.key, readonly [order: number | bigint, group: string, digest: Uint8Array]>>();
      reader.getRowByKey(change.family, change.table, ...change.key);
      // @ts-expect-error a key of another table
      reader.getRowByKey("shop", "items", ...change.key);
    } else if (change.kind === "invalidate") console.log(change.reason);
    else holds<Same<typeof change.table, "order_lines">>();
  }
  // @ts-expect-error no such table
  reader.changes({ family: "shop", table: "none" });
  for await (const change of reader.changes({ family: "shop" })) {
    if (change.kind === "upsert") console.log(change.table, change.key.length);
  }
  const all = reader.changes();
  const cursor: string | null = all.cursor;
  await all.return();
  console.log(cursor);
}

export async function opening(path: string): Promise<void> {
  using reader = openTypedReader({ path, tables: ["shop/items", "abc_def/ghi"], cacheBytes: 1 });
  holds<Same<typeof reader, SchemaReader>>();
  (await waitForTypedReader({ path }, { timeoutMs: 1 })).ping();
  // @ts-expect-error how integers come is part of the types
  openTypedReader({ path, integers: "bigint" });
  // @ts-expect-error no such table
  openTypedReader({ path, tables: ["shop/none"] });
  // @ts-expect-error a path is needed
  openTypedReader({});
}
