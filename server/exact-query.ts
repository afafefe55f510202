/**
 * Query parameters as they were sent.
 *
 * The router's own reading makes lists of texts with commas, and objects of texts that look like JSON; a name may have
 * either in it. Here only a parameter that comes twice is a list, which is then refused.
 */

/** For `transform`: in place of what the router has read. */
export function exactQuery(context: { query: Record<string, unknown>; readonly request: Request }): void {
  context.query = queryOf(context.request.url);
}

function queryOf(url: string): Record<string, string | string[]> {
  const start = url.indexOf("?");
  const sent = new URLSearchParams(start < 0 ? "" : url.slice(start + 1));
  // A parameter may have any name, `__proto__` too.
  return Object.fromEntries(
    [...new Set(sent.keys())].map((name) => {
      const [first = "", ...more] = sent.getAll(name);
      return [name, more.length === 0 ? first : [first, ...more]];
    }),
  );
}
