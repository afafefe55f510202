/** Price lists, put together from the local database and kept until one of their rows changes. */
import type { SchemaReader } from "./shop.ts";

export class PriceLists {
  readonly #reader: SchemaReader;
  readonly #kept = new Map<string, string>();
  #isFollowed = false;

  constructor(reader: SchemaReader) {
    this.#reader = reader;
  }

  /** The list of a region as JSON, or null when there is no such region. */
  list(region: string): string | null {
    const kept = this.#kept.get(region);
    if (kept !== undefined) return kept;
    const list = this.#read(region);
    // Kept only while somebody says when it is stale. Without that each list is read, which is right, too, and slower.
    if (list !== null && this.#isFollowed) this.#kept.set(region, list);
    return list;
  }

  /** Both tables in one committed state: a list never mixes two of them. */
  #read(region: string): string | null {
    return this.#reader.snapshot((reads) => {
      const found = reads.getRowByKey("shop", "regions", region);
      if (found === null) return null;
      const rows = [...reads.getRowsByKeyPrefix("shop", "prices", region)];
      const prices = rows.map(({ sku, cents, label }) => ({ sku, cents: cents?.toString() ?? null, label }));
      return JSON.stringify({ region, name: found.name, currency: found.currency, prices });
    });
  }

  /** Forgets what changes, until the signal; ends with an error when the changelog cannot be read. */
  async follow(signal: AbortSignal): Promise<void> {
    try {
      // From here on nothing is missed: changes count from this call, and lists are kept from now on.
      const changes = this.#reader.changes({ family: "shop", signal });
      this.#isFollowed = true;
      for await (const change of changes) {
        // The keys of both tables begin with the region.
        if (change.kind === "upsert" || change.kind === "delete") this.#kept.delete(String(change.key[0]));
        // A table was cleared or dropped, or the local database was replaced: anything may be different.
        else if (change.kind !== "schema") this.#kept.clear();
      }
    } finally {
      this.#isFollowed = false;
      this.#kept.clear();
    }
  }
}
