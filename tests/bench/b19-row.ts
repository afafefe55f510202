/** The rows of B19's whole path, the same for the loader and its peer. */
export function benchRow(i: number): Record<string, string | number> {
  return { id: `key-${i % 50_000}`, name: `the value of row ${i}`, count: i, weight: i / 8 };
}
