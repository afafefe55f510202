/** Status pages as scripts get them, and stand-ins for services in states that are hard to reach. */
import { type HttpServer, listenPlainly } from "../support/http-server.ts";
import { type Outcome, runAgainst } from "./operator-world.ts";

/** Where nobody listens. */
export const NOWHERE = "http://127.0.0.1:1";

const standIns: HttpServer[] = [];
/** After each test that has some. */
export async function stopStandIns(): Promise<void> {
  for (const one of standIns.splice(0)) await one.stop(true);
}

/** A service with this status document. */
export function standIn(document: unknown, status = 200): string {
  const server = listenPlainly("127.0.0.1:0", () => Response.json(document, { status }));
  standIns.push(server);
  return server.url;
}

export interface ShownPart {
  readonly part: string;
  readonly health: string;
  readonly state: string;
  readonly sequence: number | null;
  readonly behind: number | null;
  readonly entryAgeSeconds: number | null;
  readonly pollAgeSeconds: number | null;
  readonly facts: readonly string[];
  readonly problems: readonly {
    readonly code: string | null;
    readonly message: string;
    readonly hint: string | null;
  }[];
}

export interface Page {
  readonly well: boolean;
  readonly headSequence: number | null;
  readonly parts: readonly ShownPart[];
}

/** One that never answers. */
export function standInThatHangs(onRequest: (url: string) => void = () => {}): string {
  const server = listenPlainly("127.0.0.1:0", ({ url }) => {
    onRequest(url);
    return new Promise<Response>(() => {});
  });
  standIns.push(server);
  return server.url;
}

/** The page of one service alone: nobody asked for an Executive, and there is none. */
export async function pageOf(...flags: readonly string[]): Promise<Outcome & { readonly page: Page }> {
  const outcome = await runAgainst("", ["status", "--json", "--timeout", "1", ...flags]);
  return { ...outcome, page: JSON.parse(outcome.out) as Page };
}

export async function partOf(flag: string, address: string): Promise<ShownPart & { readonly code: number }> {
  const { page, code } = await pageOf(flag, address);
  const found = page.parts.find(({ part }) => flag.endsWith(part));
  if (found === undefined) throw new Error(`nothing is said of ${flag}`);
  return { ...found, code };
}
