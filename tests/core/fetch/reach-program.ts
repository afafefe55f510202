/**
 * Asks a service again and again, on Bun or Node: `reach-program.ts ADDRESS CA|- CERT|- KEY|-`. Prints for each answer
 * `answered BODY`, and for each failure `failed CODE`. A line of standard output is one request.
 */
import { reach } from "../../../core/process/fetch/reach.ts";

const given = (text: string | undefined) => (text === undefined || text === "-" ? undefined : text);
const [address = "", ...files] = process.argv.slice(2).map(given);
const [caFile, certFile, keyFile] = files;
const way = reach(address, { caFile, certFile, keyFile });
const request = way.fetch ?? fetch;
for (let number = 1; ; number++) {
  try {
    const body = `${number}:${"ä".repeat(40_000)}`;
    const headers = { "x-number": String(number) };
    const response = await request(`${way.url}/echo?n=1`, { method: "POST", body, headers });
    const text = await response.text();
    const isWhole = text === body && response.headers.get("x-number") === String(number);
    console.log(`answered ${response.status} ${isWhole ? "whole" : "spoilt"}`);
  } catch (error) {
    const { code, cause } = error as { code?: string; cause?: { code?: string } };
    console.log(`failed ${code ?? cause?.code ?? error}`);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
