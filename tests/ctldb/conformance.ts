/**
 * The suite that every adapter of the ctldb passes: all that `ctldb/contract.ts` promises, through `openCtlDb` and
 * `openLedgerSource` alone, on a real database.
 */
import { describe, setDefaultTimeout } from "bun:test";
import { accessTests } from "./suite/access.ts";
import { accessModelTests } from "./suite/access-model.ts";
import { auditTests } from "./suite/audit.ts";
import { cookieTests } from "./suite/cookies.ts";
import { fullTableTests } from "./suite/full-tables.ts";
import { groupTests } from "./suite/groups.ts";
import { inspectionTests } from "./suite/inspection.ts";
import { ledgerTests } from "./suite/ledger.ts";
import { ledgerSourceTests } from "./suite/ledger-source.ts";
import { operatorTests } from "./suite/operators.ts";
import { previewTests } from "./suite/preview.ts";
import { rateTests } from "./suite/rates.ts";
import { refusalTests } from "./suite/refusals.ts";
import { rowPageTests } from "./suite/row-pages.ts";
import { schemaTests } from "./suite/schema.ts";
import { valueTests } from "./suite/values.ts";
import { writerTests } from "./suite/writers.ts";

setDefaultTimeout(30_000);

export interface ConformanceTarget {
  readonly name: string;
  readonly kind: "mysql" | "sqlite";
  /** Names the server as `status()` does. */
  readonly server: RegExp;
  /** URL of a new, empty database. */
  createDatabase(): Promise<string>;
  /** Runs one statement behind the ctldb's back. */
  sql(url: string, statement: string): Promise<void>;
}

export function conformanceTests(target: ConformanceTarget): void {
  describe(`the ctldb on ${target.name}`, () => {
    for (const tests of [
      ledgerTests,
      valueTests,
      refusalTests,
      cookieTests,
      groupTests,
      fullTableTests,
      schemaTests,
      previewTests,
      rowPageTests,
      inspectionTests,
      writerTests,
      rateTests,
      accessTests,
      accessModelTests,
      operatorTests,
      auditTests,
      ledgerSourceTests,
    ])
      tests(target);
  });
}
