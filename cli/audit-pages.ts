/** The audit trail as the Executive gives it, page by page, the newest entry first. */
import type { Client } from "../client/index.ts";
import { ACCESS_LIMITS } from "../core/limits.ts";
import { answerOf } from "./answer-of.ts";

export interface AuditEntry {
  readonly id: number | string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
  readonly sequence?: number | string | undefined;
}

interface Source {
  readonly client: Client;
  readonly executive: string;
}

export interface AuditFilter {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
}

const { max: PAGE } = ACCESS_LIMITS.auditPage;

/** The newest `limit` entries, the newest first. */
export async function auditPages(
  source: Source,
  { query, limit }: { readonly query: AuditFilter; readonly limit: number },
): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const page of pages(source, query, Math.min(limit, PAGE))) {
    found.push(...page);
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

/** What came after an entry, or all where there was none, the oldest first. */
export async function newAuditEntries(
  source: Source,
  { query, after }: { readonly query: AuditFilter; readonly after: number | string | null },
): Promise<AuditEntry[]> {
  const last = after === null ? -1n : BigInt(after);
  const found: AuditEntry[] = [];
  for await (const page of pages(source, query, PAGE)) {
    const news = page.filter(({ id }) => BigInt(id) > last);
    found.push(...news);
    if (news.length < page.length) break;
  }
  return found.reverse();
}

async function* pages(
  { client, executive }: Source,
  query: AuditFilter,
  limit: number,
): AsyncGenerator<readonly AuditEntry[]> {
  let before: string | null = null;
  do {
    const page: { readonly entries: readonly AuditEntry[]; readonly next: number | string | null } =
      await answerOf(
        executive,
        client.audit.get({
          query: { ...query, limit: String(limit), ...(before === null ? {} : { before }) },
        }),
      );
    yield page.entries;
    before = page.next === null ? null : String(page.next);
  } while (before !== null);
}
