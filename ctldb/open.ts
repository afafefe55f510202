/** Opens a ctldb or its ledger by URL. */
import { resolve } from "node:path";
import { CtlstoreError } from "../core/errors.ts";
import type { LedgerSource } from "../core/ledger/entry.ts";
import { CTLDB_TIMEOUTS, type CtlDbTimeouts } from "../core/limits.ts";
import type { CtlDb } from "./contract.ts";
import { type CtlDbDeps, type CtlDbOptions, LedgerCtlDb } from "./ledger-ctldb.ts";
import { MysqlLedgerSource } from "./mysql/ledger-source.ts";
import { MysqlRowSource } from "./mysql/row-source.ts";
import { openMysqlStore } from "./mysql/store.ts";
import { loadTlsMaterial, parseMysqlTls } from "./mysql/tls.ts";
import type { RowSource } from "./row-source.ts";
import { SqliteLedgerSource } from "./sqlite/ledger-source.ts";
import { SqliteRowSource } from "./sqlite/row-source.ts";
import { openSqliteStore } from "./sqlite/store.ts";

type Target =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "mysql"; readonly url: URL };

/** `sqlite:PATH` or `mysql://user:password@host:port/database`, with the parameters of `mysql/tls.ts`. @throws CtlstoreError `config_invalid` */
function parseCtlDbUrl(text: string): Target {
  if (text.startsWith("sqlite:")) {
    const path = text.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
    if (path !== "") return { kind: "sqlite", path: resolve(path) };
  } else if (text.startsWith("mysql://") && URL.canParse(text)) {
    const url = new URL(text);
    const isWhole = url.hostname !== "" && url.pathname.length > 1;
    if (isWhole && isDecodable(url.username + url.password + url.pathname)) {
      assertTlsUsable(url);
      return { kind: "mysql", url };
    }
  }
  throw new CtlstoreError("config_invalid", "Cannot use the ctldb URL: it has no known form", {
    hint: "sqlite:PATH or mysql://user:password@host:port/database, with % written as %25",
  });
}

/** Wrong parameters and files are told at the start, not at the first connection. */
function assertTlsUsable(url: URL): void {
  const tls = parseMysqlTls(url);
  if (tls !== null) loadTlsMaterial(tls);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

export interface OpenCtlDbOptions extends CtlDbOptions {
  /** Where other waiting times than the usual ones are wanted. */
  readonly timeouts?: Partial<CtlDbTimeouts>;
}

/**
 * Opens a ctldb for writing, creating or upgrading its tables where needed.
 * @throws CtlstoreError `config_invalid`, `ctldb_unavailable`, `ctldb_incompatible`
 */
export async function openCtlDb(
  url: string,
  deps: CtlDbDeps,
  options: OpenCtlDbOptions = {},
): Promise<CtlDb> {
  const target = parseCtlDbUrl(url);
  const timeouts = { ...CTLDB_TIMEOUTS, ...options.timeouts };
  const store =
    target.kind === "sqlite"
      ? await openSqliteStore(target.path, timeouts, deps)
      : await openMysqlStore(target.url, timeouts, deps);
  return new LedgerCtlDb(store, deps, options);
}

export interface OpenLedgerSourceOptions {
  readonly timeouts?: Partial<CtlDbTimeouts>;
  /** True: entries have their `trace`, where the ledger has a place for it. */
  readonly traces?: boolean;
}

/** A source of ledger entries; connects when first asked. @throws CtlstoreError `config_invalid` */
export function openLedgerSource(
  url: string,
  deps: CtlDbDeps,
  options: OpenLedgerSourceOptions = {},
): LedgerSource {
  const target = parseCtlDbUrl(url);
  const { traces = false } = options;
  if (target.kind === "sqlite") return new SqliteLedgerSource(target.path, { traces });
  return new MysqlLedgerSource(
    { url: target.url, timeouts: { ...CTLDB_TIMEOUTS, ...options.timeouts } },
    deps,
    { traces },
  );
}

/** The rows of a ctldb, for reading alone; connects when a view is opened. @throws CtlstoreError `config_invalid` */
export function openRowSource(
  url: string,
  options: { readonly timeouts?: Partial<CtlDbTimeouts> } = {},
): RowSource {
  const target = parseCtlDbUrl(url);
  if (target.kind === "sqlite") return new SqliteRowSource(target.path);
  return new MysqlRowSource({ url: target.url, timeouts: { ...CTLDB_TIMEOUTS, ...options.timeouts } });
}
