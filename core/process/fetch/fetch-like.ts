/** The part of `fetch` that is used; give your own for a proxy, for tests, or for tracing. */
export type FetchLike = (input: string, init?: RequestInit) => Promise<Response>;
