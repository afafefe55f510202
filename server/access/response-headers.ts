/** Headers that every answer has. */

/**
 * What is stored may change with the next write, and some answers hold a token: no cache may keep any of them. And no
 * browser may take an answer for another type than the one that it says, since others chose what is stored.
 */
const HEADERS_OF_ALL: ReadonlyArray<readonly [name: string, value: string]> = [
  ["x-content-type-options", "nosniff"],
  ["cache-control", "no-store"],
];

/** The same answer. */
export function withCommonHeaders(response: Response): Response {
  for (const [name, value] of HEADERS_OF_ALL) response.headers.set(name, value);
  return response;
}
