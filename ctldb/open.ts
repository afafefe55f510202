/** Opens a ctldb or its ledger by URL. */
import { resolve } from "node:path";
import { CtlstoreError } from "../core/errors.ts";
import type { LedgerSource } from "../core/ledger/entry.ts";
import type { CtlDb } from "./contract.ts";
import { type CtlDbDeps, type CtlDbOptions, LedgerCtlDb } from "./ledger-ctldb.ts";
import { MysqlLedgerSource } from "./mysql/ledger-source.ts";
import { openMysqlStore } from "./mysql/store.ts";
import { SqliteLedgerSource } from "./sqlite/ledger-source.ts";
import { SqliteStore } from "./sqlite/store.ts";

type Target =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "mysql"; readonly url: URL };

/** `sqlite:PATH` or `mysql://user:password@host:port/database`. @throws CtlstoreError `config_invalid` */
function parseCtlDbUrl(text: string): Target {
  if (text.startsWith("sqlite:")) {
    const path = text.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
    if (path !== "") return { kind: "sqlite", path: resolve(path) };
  } else if (text.startsWith("mysql://") && URL.canParse(text)) {
    const url = new URL(text);
    if (url.hostname !== "" && url.pathname.length > 1) return { kind: "mysql", url };
  }
  throw new CtlstoreError("config_invalid", "Cannot use the ctldb URL: it has no known form", {
    hint: "sqlite:PATH or mysql://user:password@host:port/database",
  });
}

/**
 * Opens a ctldb for writing, creating or upgrading its tables where needed.
 * @throws CtlstoreError `config_invalid`, `ctldb_unavailable`, `ctldb_incompatible`
 */
export async function openCtlDb(url: string, deps: CtlDbDeps, options?: CtlDbOptions): Promise<CtlDb> {
  const target = parseCtlDbUrl(url);
  if (target.kind === "sqlite") return new LedgerCtlDb(new SqliteStore(target.path), deps, options);
  return new LedgerCtlDb(await openMysqlStore(target.url, deps), deps, options);
}

/** A source of ledger entries; connects when first asked. @throws CtlstoreError `config_invalid` */
export function openLedgerSource(url: string, deps: CtlDbDeps): LedgerSource {
  const target = parseCtlDbUrl(url);
  if (target.kind === "sqlite") return new SqliteLedgerSource(target.path);
  return new MysqlLedgerSource(target.url, deps);
}
