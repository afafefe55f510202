/** Load on an Executive: writers that send as fast as they are answered, over kept-alive connections. */

/** How long each measurement lasts. */
export const LOAD_SECONDS = 4;

export interface Load {
  readonly writers: number;
  readonly rows: number;
}

/** `8 writers × 100 rows` */
export function labelOf({ writers, rows }: Load): string {
  return `${writers} writer${writers > 1 ? "s" : ""} × ${rows} row${rows > 1 ? "s" : ""}`;
}

let nextRow = 0;

/** A new value for one of 100,000 keys. */
export function row(): { id: string; name: string; count: number; weight: number } {
  const i = nextRow++;
  return { id: `key-${i % 100_000}`, name: `the value of row ${i}`, count: i, weight: i / 8 };
}

export interface LoadResult {
  readonly requests: number;
  readonly latenciesMs: number[];
  readonly failures: number;
}

export async function drive(url: string, { writers, rows }: Load): Promise<LoadResult> {
  const until = performance.now() + LOAD_SECONDS * 1000;
  const latenciesMs: number[] = [];
  let failures = 0;
  const writer = async (index: number) => {
    const headers = {
      "ctlstore-writer": `writer${index}`,
      "ctlstore-secret": "secret",
      "content-type": "application/json",
    };
    while (performance.now() < until) {
      const mutations = Array.from({ length: rows }, () => ({ table: "rows", values: row() }));
      const startedMs = performance.now();
      const response = await fetch(`${url}/families/bench/mutations`, {
        method: "POST",
        headers,
        body: JSON.stringify({ mutations }),
      });
      await response.text();
      if (response.status !== 200) failures++;
      latenciesMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, index) => writer(index)));
  return { requests: latenciesMs.length, latenciesMs, failures };
}
