/** LDBs for the suite, made straight from the layout, and the folders they live in. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CREATE_LDB_TABLES, LDB_FILE_NAME, SUPERSEDED } from "../../../ldb/layout.ts";
import type { LdbReader, ReaderOptions } from "../../../reader/types.ts";
import type { SuiteEnvironment, WritableDatabase } from "./environment.ts";

/** An LDB being written. */
export class SampleLdb {
  readonly #database: WritableDatabase;
  readonly path: string;
  #sequence = 0;
  #schemaVersion = 1;
  #isClosed = false;

  constructor(environment: SuiteEnvironment, path: string) {
    this.path = path;
    this.#database = environment.openWritable(path);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    for (const statement of CREATE_LDB_TABLES) this.#database.exec(statement);
    this.#database.exec(`
      INSERT INTO _ldb_seq (id, seq) VALUES (1, 0);
      INSERT INTO _ldb_meta (id, schema_version, format_version, epoch, hash, hash_sequence, ledger_timestamp_us,
        applied_at_us, unattested_through) VALUES (1, 1, 1, NULL, NULL, 0, 0, 0, 0)`);
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Applies rows as a Reflector does: one transaction, the sequence with it. */
  apply(sql: string): void {
    this.#commit(sql, this.#sequence + 1);
  }

  /** Applies statements that change tables. */
  changeSchema(sql: string): void {
    this.#schemaVersion += 1;
    this.apply(sql);
  }

  /** As the original's Reflector would: it does not know `_ldb_meta`. */
  applyAsOriginal(sql: string): void {
    this.#sequence += 1;
    this.#database.exec(`BEGIN; ${sql}; UPDATE _ldb_seq SET seq = ${this.#sequence}; COMMIT`);
  }

  moveTo(sequence: number | bigint): void {
    this.#commit("SELECT 1", sequence);
    this.#sequence = Number(sequence);
  }

  stamp(timestampUs: number): void {
    this.#database.exec(`UPDATE _ldb_meta SET ledger_timestamp_us = ${timestampUs}`);
  }

  supersede(): void {
    this.#database.exec(`UPDATE _ldb_meta SET schema_version = ${SUPERSEDED}`);
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  #commit(sql: string, sequence: number | bigint): void {
    this.#database.exec(
      `BEGIN; ${sql}; UPDATE _ldb_seq SET seq = ${sequence};
       UPDATE _ldb_meta SET hash_sequence = ${sequence}, schema_version = ${this.#schemaVersion}; COMMIT`,
    );
    this.#sequence = Number(sequence);
  }

  close(): void {
    if (!this.#isClosed) this.#database.close();
    this.#isClosed = true;
  }
}

/** A temporary LDB folder; everything made in it is closed and removed with it. */
export class SampleFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "ctlstore-reader-"));
  readonly #environment: SuiteEnvironment;
  readonly #open: { close(): void }[] = [];

  constructor(environment: SuiteEnvironment) {
    this.#environment = environment;
  }

  get ldbPath(): string {
    return join(this.path, LDB_FILE_NAME);
  }

  /** Makes a plain `ldb.db`. */
  ldb(): SampleLdb {
    return this.track(new SampleLdb(this.#environment, this.ldbPath));
  }

  /** Makes a generation that nothing points to yet. */
  generation(id: string): SampleLdb {
    const folder = join(this.path, "generations", id);
    mkdirSync(folder, { recursive: true });
    return this.track(new SampleLdb(this.#environment, join(folder, LDB_FILE_NAME)));
  }

  /** Points `ldb.db` at a generation by one rename. */
  flipTo(id: string): void {
    const link = join(this.path, ".next");
    symlinkSync(join("generations", id, LDB_FILE_NAME), link);
    renameSync(link, this.ldbPath);
  }

  reader(options: Partial<ReaderOptions> = {}): LdbReader {
    return this.track(this.#environment.openReader({ path: this.path, onWarning: () => {}, ...options }));
  }

  /** Closes it with the folder. */
  protected track<Closable extends { close(): void }>(closable: Closable): Closable {
    this.#open.push(closable);
    return closable;
  }

  [Symbol.dispose](): void {
    for (const closable of this.#open.reverse()) closable.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}
