/**
 * Typed readers of ctlstore. Made by this command; do not edit, run it again:
 *
 *     ctlstore codegen --family shop --integers bigint
 */

import {
  openCheckedReader,
  type SchemaDefinition,
  type TypedReader,
  type TypedReaderOptions,
  type WaitOptions,
  waitForCheckedReader,
} from "ctlstore-reader";

/** A row of `shop/prices`. */
export interface ShopPricesRow {
  region: string;
  sku: string;
  cents: bigint | null;
  label: string | null;
}

/** A key of `shop/prices`. */
export type ShopPricesKey = [region: string, sku: string];

/** A row of `shop/regions`. */
export interface ShopRegionsRow {
  region: string;
  currency: string | null;
  name: string | null;
}

/** A key of `shop/regions`. */
export type ShopRegionsKey = [region: string];

/** Every table, with the types of its rows and keys. */
export type Schema = {
  shop: {
    prices: {
      row: ShopPricesRow;
      key: ShopPricesKey;
    };
    regions: {
      row: ShopRegionsRow;
      key: ShopRegionsKey;
    };
  };
};

/** The tables as they were; each reader that is opened compares them with its LDB. */
export const SCHEMA = {
  fingerprint: "ca714df6a11eb4a77c1ed5c09377e171",
  integers: "bigint",
  tables: [
    {
      family: "shop",
      table: "prices",
      fields: {
        region: "string",
        sku: "string",
        cents: "integer",
        label: "text",
      },
      keyFields: ["region", "sku"],
    },
    {
      family: "shop",
      table: "regions",
      fields: {
        region: "string",
        currency: "string",
        name: "string",
      },
      keyFields: ["region"],
    },
  ],
} as const satisfies SchemaDefinition;

/** A reader of these tables. */
export type SchemaReader = TypedReader<Schema>;
export type SchemaReaderOptions = TypedReaderOptions<Schema>;

/**
 * Opens the LDB in a folder. Throws `schema_mismatch`, naming every difference,
 * when its tables are not what this module was made for.
 */
export function openTypedReader(options: SchemaReaderOptions): SchemaReader {
  return openCheckedReader<Schema>(SCHEMA, options);
}

/**
 * The same for a start beside a Reflector that starts, too: waits until the LDB
 * is there and holds these tables.
 */
export function waitForTypedReader(options: SchemaReaderOptions, wait: WaitOptions): Promise<SchemaReader> {
  return waitForCheckedReader<Schema>(SCHEMA, options, wait);
}
