/**
 * Who may enter the queue of writes: a request is authenticated before it takes a place there, from memory that is at
 * most half a second old (ACCESS_LIMITS). Under the ledger lock it is judged once more, by what holds then.
 */
import type { WriterName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { isNamed } from "../names-condition.ts";
import type { LedgerStore } from "../store.ts";
import { writerAccess } from "../writer-row.ts";
import { AccessCache, type AccessCacheOptions } from "./access-cache.ts";
import {
  assertCredentials,
  badCredentials,
  secretForm,
  storedSecret,
  validSecret,
  type WriterAccess,
} from "./secrets.ts";

export interface WriterGateDeps {
  readonly store: LedgerStore;
  readonly clock: Clock;
  /** @throws CtlstoreError `ctldb_unavailable` once the ctldb is being closed */
  readonly assertOpen: () => void;
}

export interface WriterGateOptions extends AccessCacheOptions {
  /** True: secrets stay stored as the original's Executive reads them, who writes to the same ctldb. */
  readonly keepOriginalSecrets: boolean;
}

export class WriterGate {
  readonly #deps: WriterGateDeps;
  readonly #options: WriterGateOptions;
  readonly #cache: AccessCache<WriterAccess>;
  /** Records whose secret was stored anew, or was tried to. */
  readonly #tried = new WeakSet<WriterAccess>();
  readonly #upgrades = new Set<Promise<void>>();

  constructor(deps: WriterGateDeps, options: WriterGateOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#cache = new AccessCache({ clock: deps.clock, load: (names) => this.#load(names) }, options);
  }

  /** Names in memory. */
  get size(): number {
    return this.#cache.size;
  }

  /** @throws CtlstoreError `bad_credentials`, `ctldb_unavailable` */
  async authenticate(writer: WriterName, secret: string): Promise<WriterAccess> {
    const record = await this.#cache.ask(writer, (found) => {
      const valid = validSecret(found, secret, this.#nowSeconds());
      if (valid === null || found === null) return null;
      if (valid === "current") this.#upgrade(found, secret);
      return found;
    });
    if (record === null) throw badCredentials();
    return record;
  }

  /** The writer's cookie as of now. @throws CtlstoreError `bad_credentials`, `ctldb_unavailable` */
  async readCookie(writer: WriterName, secret: string): Promise<Uint8Array> {
    await this.authenticate(writer, secret);
    const record = await this.#deps.store.readWriter(writer);
    assertCredentials(record, writer, secret, this.#nowSeconds());
    return record.cookie;
  }

  /** After a change of a writer by this process: it holds at once. */
  forget(writer: WriterName): void {
    this.#cache.forget(writer);
  }

  /** Resolves when nothing is under way that nobody waits for. */
  async settled(): Promise<void> {
    await Promise.all([...this.#upgrades, this.#cache.settled()]);
  }

  #nowSeconds(): number {
    return Math.floor(this.#deps.clock.nowUs() / 1_000_000);
  }

  /** By the names as they are stored: a database may find others, of another case, too. */
  async #load(names: readonly string[]): Promise<ReadonlyMap<string, WriterAccess>> {
    this.#deps.assertOpen();
    const rows = await this.#deps.store.query(
      `SELECT writer, secret, previous_secret, previous_secret_until, grants FROM mutators
       WHERE ${isNamed("writer", names)}`,
    );
    return new Map(rows.map(writerAccess).map((record) => [record.name, record]));
  }

  /** Stores a secret salted that the original has stored: one try for each time that it is looked up. */
  #upgrade(record: WriterAccess, secret: string): void {
    const { name, secretHash } = record;
    if (this.#options.keepOriginalSecrets || secretForm(secretHash) !== "sha256") return;
    if (this.#tried.has(record)) return;
    this.#tried.add(record);
    const salted = textLiteral(storedSecret(secret, { original: false }));
    const upgrade = this.#deps.store
      .execute(
        `UPDATE mutators SET secret = ${salted} WHERE writer = ${textLiteral(name)} AND secret = ${textLiteral(secretHash)}`,
      )
      .then(
        () => this.#cache.forget(name),
        () => {}, // the writer is none the worse, and the next look-up tries again
      )
      .finally(() => this.#upgrades.delete(upgrade));
    this.#upgrades.add(upgrade);
  }
}
