/**
 * Operators: named tokens with roles (D22). A token is 32 random bytes, so its SHA-256 needs no salt, and it is looked up
 * by it: how long that takes says something about digests, and nothing about tokens.
 */
import { createHash, randomBytes } from "node:crypto";
import { CtlstoreError, quote } from "../../core/errors.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import type { OperatorName } from "../../core/names.ts";
import { isRole, type Role } from "../../core/roles.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerStore, LockedLedger, SystemRow } from "../store.ts";
import { AccessCache, type AccessTimes } from "./access-cache.ts";
import { UNNAMED_ACTOR } from "./audit-entry.ts";
import type { ChangeOptions, Operator, Operators } from "./contract.ts";
import { type ChangeDeps, type RecordedChange, recordedChange } from "./recorded-change.ts";

export interface OperatorsDeps extends ChangeDeps {
  readonly store: LedgerStore;
}

/** Names that stand in the audit trail for whoever is no operator. */
const OTHER_ACTORS: ReadonlySet<string> = new Set(["admin-token", "anonymous", UNNAMED_ACTOR]);

const TOKEN = /^ctl_[A-Za-z0-9_-]{43}$/;

/** All of them are read at once, under this name. */
const ALL = "operators";

interface KnownOperators {
  /** Null stands for an operator whose role this version does not know: what it may do, nobody here can say. */
  readonly byDigest: ReadonlyMap<string, Operator | null>;
  /** Also true when all of them were revoked: that must open nothing, after a restart neither. */
  readonly everAny: boolean;
}

/** In `ctlstore_meta` since the first operator was made. */
const HAS_HAD_OPERATORS = "has_had_operators";

export class LedgerOperators implements Operators {
  readonly #deps: OperatorsDeps;
  readonly #cache: AccessCache<KnownOperators>;

  constructor(deps: OperatorsDeps, times: AccessTimes) {
    this.#deps = deps;
    this.#cache = new AccessCache(
      { clock: deps.clock, load: async () => new Map([[ALL, await this.#read()]]) },
      { ...times, names: 1 },
    );
  }

  async list(): Promise<Operator[]> {
    const operators = [...(await this.#read()).byDigest.values()].filter((operator) => operator !== null);
    return operators.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async create(
    name: OperatorName,
    role: Role,
    options: ChangeOptions = {},
  ): Promise<{ readonly operator: Operator; readonly token: string }> {
    const { actor = UNNAMED_ACTOR } = options;
    assertNotReserved(name);
    const token = `ctl_${randomBytes(32).toString("base64url")}`;
    const operator: Operator = { name, role, createdUs: this.#deps.clock.nowUs(), createdBy: actor };
    await this.#change(async (locked) => {
      assertRoom(await locked.query("SELECT name FROM ctlstore_operators"), name);
      const cells = [name, role, digestOf(token)].map(textLiteral).join(",");
      const insert = `INSERT INTO ctlstore_operators (name, role, token_hash, created_us, created_by) VALUES (${cells},${operator.createdUs},${textLiteral(actor)})`;
      const record = { actor, action: "operator.create", target: targetOf(name), detail: { role } } as const;
      const remember = `REPLACE INTO ctlstore_meta (name, value) VALUES (${textLiteral(HAS_HAD_OPERATORS)}, 'true')`;
      return { statements: [insert, remember], record };
    }, options);
    return { operator, token };
  }

  async revoke(name: OperatorName, options: ChangeOptions = {}): Promise<void> {
    const { actor = UNNAMED_ACTOR } = options;
    await this.#change(async (locked) => {
      const where = `FROM ctlstore_operators WHERE name = ${textLiteral(name)}`;
      const [found] = await locked.query(`SELECT role ${where}`);
      if (found === undefined) throw unknownOperator(name);
      const detail = { role: String(found[0]) };
      const record = { actor, action: "operator.revoke", target: targetOf(name), detail } as const;
      return { statements: [`DELETE ${where}`], record };
    }, options);
  }

  async authenticate(token: string): Promise<Operator | null> {
    if (!TOKEN.test(token)) return null;
    const digest = digestOf(token);
    return this.#cache.ask(ALL, (operators) => operators?.byDigest.get(digest) ?? null);
  }

  async everAny(): Promise<boolean> {
    return (await this.#cache.ask(ALL, (operators) => operators?.everAny ?? false)) ?? false;
  }

  /** Resolves when nothing is under way that nobody waits for. */
  settled(): Promise<void> {
    return this.#cache.settled();
  }

  async #read(): Promise<KnownOperators> {
    const { store, assertOpen } = this.#deps;
    assertOpen();
    const rows = await store.query(
      "SELECT token_hash, name, role, created_us, created_by FROM ctlstore_operators",
    );
    const marks = await store.query(
      `SELECT 1 FROM ctlstore_meta WHERE name = ${textLiteral(HAS_HAD_OPERATORS)}`,
    );
    return { byDigest: new Map(rows.map(operatorOf)), everAny: rows.length > 0 || marks.length > 0 };
  }

  async #change(
    decide: (locked: LockedLedger) => Promise<RecordedChange>,
    options: ChangeOptions,
  ): Promise<void> {
    try {
      await recordedChange(this.#deps, decide, options);
    } finally {
      this.#cache.forget(ALL);
    }
  }
}

function operatorOf([digest, name, role, createdUs, createdBy]: SystemRow): [string, Operator | null] {
  if (!isRole(role)) return [String(digest), null];
  const operator: Operator = {
    name: String(name) as OperatorName, // parsed when it was made
    role,
    createdUs: Number(createdUs),
    createdBy: String(createdBy),
  };
  return [String(digest), operator];
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function targetOf(name: OperatorName): string {
  return `operator ${name}`;
}

function assertNotReserved(name: OperatorName): void {
  if (!OTHER_ACTORS.has(name)) return;
  throw new CtlstoreError(
    "invalid_name",
    `Cannot name an operator ${quote(name)}: the audit trail has that name for others`,
  );
}

function assertRoom(existing: readonly SystemRow[], name: OperatorName): void {
  if (existing.some(([other]) => other === name)) {
    throw new CtlstoreError("operator_exists", `Cannot create operator ${quote(name)}: it exists already`, {
      hint: "revoke it first: a token is told once and cannot be read again",
    });
  }
  if (existing.length < ACCESS_LIMITS.operators) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot create operator ${quote(name)}: there are ${existing.length}, which is the most`,
    { hint: "revoke those that are not used any more" },
  );
}

function unknownOperator(name: OperatorName): CtlstoreError {
  return new CtlstoreError("unknown_operator", `Cannot find operator ${quote(name)}: there is none`);
}
