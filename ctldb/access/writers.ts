/** Writers: registration, secrets and their rotation (R45), grants (D22). */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import type { FamilyName, WriterName } from "../../core/names.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { isNamed } from "../names-condition.ts";
import type { LedgerStore, LockedLedger, SystemRow } from "../store.ts";
import { encodeGrants, writerAccess } from "../writer-row.ts";
import { UNNAMED_ACTOR } from "./audit-entry.ts";
import type { AuditAction, AuditRecord, ChangeOptions, WriterInfo, Writers } from "./contract.ts";
import { type ChangeDeps, type RecordedChange, recordedChange } from "./recorded-change.ts";
import { REVOKED, secretForm, storedSecret, validSecret, type WriterAccess } from "./secrets.ts";
import type { WriterGate } from "./writer-gate.ts";

export interface WritersDeps extends ChangeDeps {
  readonly store: LedgerStore;
  readonly gate: WriterGate;
}

export interface WritersOptions {
  /** True: secrets are stored as the original's Executive reads them, who writes to the same ctldb. */
  readonly keepOriginalSecrets: boolean;
}

/** What a change of a writer comes to. */
interface WriterChange {
  /** The part of an UPDATE after SET. */
  readonly set: string;
  readonly after: WriterAccess;
  readonly detail?: AuditRecord["detail"];
}

export class LedgerWriters implements Writers {
  readonly #deps: WritersDeps;
  readonly #original: boolean;

  constructor(deps: WritersDeps, options: WritersOptions) {
    this.#deps = deps;
    this.#original = options.keepOriginalSecrets;
  }

  async list(): Promise<WriterInfo[]> {
    this.#deps.assertOpen();
    const records = (await this.#deps.store.query(SELECT_WRITERS)).map(writerAccess);
    const nowSeconds = this.#nowSeconds();
    return records.map((record) => infoOf(record, nowSeconds)).sort(byName);
  }

  async find(writer: WriterName): Promise<WriterInfo> {
    this.#deps.assertOpen();
    const record = exactly(await this.#deps.store.query(selectWriter(writer)), writer);
    if (record === null) throw unknownWriter(writer);
    return infoOf(record, this.#nowSeconds());
  }

  async register(writer: WriterName, secret: string, options: ChangeOptions = {}): Promise<void> {
    const { actor = UNNAMED_ACTOR } = options;
    this.#deps.assertOpen();
    // Loaders register their writers at each start: that takes no lock when nothing is to be done.
    if (this.#isRegistered(await this.#deps.store.query(selectWriter(writer)), writer, secret)) return;
    const decide = async (locked: LockedLedger): Promise<RecordedChange | null> => {
      if (this.#isRegistered(await locked.query(selectWriter(writer)), writer, secret)) return null;
      const stored = storedSecret(secret, { original: this.#original });
      const insert = `INSERT INTO mutators (writer, secret, cookie, clock) VALUES (${textLiteral(writer)}, ${textLiteral(stored)}, x'', 0)`;
      return { statements: [insert], record: { actor, action: "writer.register", target: targetOf(writer) } };
    };
    await this.#change(writer, decide, options);
  }

  async rotate(
    writer: WriterName,
    secret: string,
    overlapSeconds: number,
    options?: ChangeOptions,
  ): Promise<WriterInfo> {
    assertOverlap(overlapSeconds);
    return this.#update(writer, { action: "writer.rotate", ...options }, (before, nowSeconds) =>
      this.#rotated(before, secret, { nowSeconds, overlapSeconds }),
    );
  }

  /** The current secret again changes nothing, so that it may be repeated, except that it may end the overlap sooner. */
  #rotated(
    before: WriterAccess,
    secret: string,
    { nowSeconds, overlapSeconds }: { readonly nowSeconds: number; readonly overlapSeconds: number },
  ): WriterChange | null {
    const until = nowSeconds + overlapSeconds;
    const detail = { overlapSeconds };
    if (validSecret(before, secret, nowSeconds) === "current") {
      const previous = before.previousSecret;
      if (previous === null || previous.until <= Math.max(until, nowSeconds)) return null;
      const shortened = overlapSeconds === 0 ? null : { ...previous, until };
      return { set: setPrevious(shortened), after: { ...before, previousSecret: shortened }, detail };
    }
    const secretHash = storedSecret(secret, { original: this.#original });
    const keepsOld = overlapSeconds > 0 && before.secretHash !== REVOKED;
    const previousSecret = keepsOld ? { hash: before.secretHash, until } : null;
    return {
      set: `secret = ${textLiteral(secretHash)}, ${setPrevious(previousSecret)}`,
      after: { ...before, secretHash, previousSecret },
      detail,
    };
  }

  async revoke(writer: WriterName, options?: ChangeOptions): Promise<void> {
    await this.#update(writer, { action: "writer.revoke", ...options }, (before) => {
      if (before.secretHash === REVOKED && before.previousSecret === null) return null;
      return {
        set: `secret = ${textLiteral(REVOKED)}, ${setPrevious(null)}`,
        after: { ...before, secretHash: REVOKED, previousSecret: null },
      };
    });
  }

  async grant(
    writer: WriterName,
    families: readonly FamilyName[] | null,
    options?: ChangeOptions,
  ): Promise<WriterInfo> {
    const grants = families === null ? null : new Set<string>(families);
    assertGrants(grants);
    return this.#update(writer, { action: "writer.grant", ...options }, (before) => {
      const text = grants === null ? null : encodeGrants(grants);
      if (text === (before.grants === null ? null : encodeGrants(before.grants))) return null;
      return {
        set: `grants = ${text === null ? "NULL" : textLiteral(text)}`,
        after: { ...before, grants },
        detail: { families: sorted(grants), before: sorted(before.grants) },
      };
    });
  }

  /** One change of one writer that exists; `decide` gives null when it is as asked already. */
  async #update(
    writer: WriterName,
    { action, ...options }: ChangeOptions & { readonly action: AuditAction },
    decide: (before: WriterAccess, nowSeconds: number) => WriterChange | null,
  ): Promise<WriterInfo> {
    const { actor = UNNAMED_ACTOR } = options;
    const outcome: { info?: WriterInfo } = {};
    await this.#change(
      writer,
      async (locked) => {
        const before = exactly(await locked.query(selectWriter(writer)), writer);
        if (before === null) throw unknownWriter(writer);
        const change = decide(before, locked.nowSeconds);
        outcome.info = infoOf(change?.after ?? before, locked.nowSeconds);
        if (change === null) return null;
        const update = `UPDATE mutators SET ${change.set} WHERE writer = ${textLiteral(writer)}`;
        const detail = change.detail === undefined ? {} : { detail: change.detail };
        return { statements: [update], record: { actor, action, target: targetOf(writer), ...detail } };
      },
      options,
    );
    return outcome.info ?? this.find(writer);
  }

  /** Whatever becomes of the change, what was known of the writer is not believed any more. */
  async #change(
    writer: WriterName,
    decide: (locked: LockedLedger) => Promise<RecordedChange | null>,
    options: ChangeOptions,
  ): Promise<void> {
    try {
      await recordedChange(this.#deps, decide, options);
    } finally {
      this.#deps.gate.forget(writer);
    }
  }

  /** @throws CtlstoreError `writer_exists` */
  #isRegistered(rows: readonly SystemRow[], writer: WriterName, secret: string): boolean {
    if (rows.length === 0) return false;
    const record = exactly(rows, writer);
    if (validSecret(record, secret, this.#nowSeconds()) !== null) return true;
    const state = record?.secretHash === REVOKED ? "it is revoked" : "it exists with another secret";
    throw new CtlstoreError("writer_exists", `Cannot register writer ${quote(writer)}: ${state}`, {
      hint: "an admin gives it a new secret with POST /writers/{name}/secret",
    });
  }

  #nowSeconds(): number {
    return Math.floor(this.#deps.clock.nowUs() / 1_000_000);
  }
}

const SELECT_WRITERS = "SELECT writer, secret, previous_secret, previous_secret_until, grants FROM mutators";

function selectWriter(writer: WriterName): string {
  return `${SELECT_WRITERS} WHERE ${isNamed("writer", [writer])}`;
}

/** A database of the original may find a writer of another case under a name. */
function exactly(rows: readonly SystemRow[], writer: WriterName): WriterAccess | null {
  return rows.map(writerAccess).find((record) => record.name === writer) ?? null;
}

function setPrevious(previous: WriterAccess["previousSecret"]): string {
  const [hash, until] = previous === null ? ["NULL", "NULL"] : [textLiteral(previous.hash), previous.until];
  return `previous_secret = ${hash}, previous_secret_until = ${until}`;
}

function infoOf({ name, secretHash, previousSecret, grants }: WriterAccess, nowSeconds: number): WriterInfo {
  const until = previousSecret?.until ?? 0;
  return {
    writer: name,
    grants: sorted(grants) as FamilyName[] | null, // as they were granted
    revoked: secretHash === REVOKED,
    secretForm: secretForm(secretHash),
    previousSecretUntil: until > nowSeconds ? until : null,
  };
}

function sorted(grants: ReadonlySet<string> | null): string[] | null {
  return grants === null ? null : [...grants].sort();
}

function byName(a: WriterInfo, b: WriterInfo): number {
  return a.writer < b.writer ? -1 : 1;
}

function targetOf(writer: WriterName): string {
  return `writer ${writer}`;
}

function unknownWriter(writer: WriterName): CtlstoreError {
  return new CtlstoreError(
    "unknown_writer",
    `Cannot find writer ${quote(writer)}: nobody registered it; it needs to be registered first`,
  );
}

function assertOverlap(seconds: number): void {
  const { min, max } = ACCESS_LIMITS.secretOverlapSeconds;
  if (Number.isSafeInteger(seconds) && seconds >= min && seconds <= max) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot keep the old secret valid for ${quote(seconds)} seconds: it needs to be ${min} to ${max}`,
    { field: "overlap" },
  );
}

function assertGrants(grants: ReadonlySet<string> | null): void {
  const most = ACCESS_LIMITS.grantsPerWriter;
  if (grants === null || grants.size <= most) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot grant ${grants.size} families to one writer: ${most} are the most`,
    { field: "families" },
  );
}
