/** Writers: registration, secrets, grants. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { FamilyName, WriterName } from "../../core/names.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerStore } from "../store.ts";
import type { ChangeOptions, WriterInfo, Writers } from "./contract.ts";
import { type ChangeDeps, recordedChange, UNNAMED_ACTOR } from "./recorded-change.ts";
import { hashSecret, secretMatches } from "./secrets.ts";

export interface WritersDeps extends ChangeDeps {
  readonly store: LedgerStore;
}

export class LedgerWriters implements Writers {
  readonly #deps: WritersDeps;

  constructor(deps: WritersDeps) {
    this.#deps = deps;
  }

  async register(
    writer: WriterName,
    secret: string,
    { actor = UNNAMED_ACTOR }: ChangeOptions = {},
  ): Promise<void> {
    const { store } = this.#deps;
    const existing = await store.readWriter(writer);
    if (existing !== null) {
      if (existing.name === writer && secretMatches(existing, secret)) return;
      throw writerExists(writer);
    }
    await recordedChange(this.#deps, async (locked) => {
      const rows = await locked.query(`SELECT secret FROM mutators WHERE writer = ${textLiteral(writer)}`);
      if (rows.length > 0) throw writerExists(writer);
      const insert = `INSERT INTO mutators (writer, secret, cookie, clock) VALUES (${textLiteral(writer)}, ${textLiteral(hashSecret(secret))}, x'', 0)`;
      return { statements: [insert], record: { actor, action: "writer.register", target: writer } };
    });
  }

  list(): Promise<WriterInfo[]> {
    throw new Error("not built yet");
  }
  find(_writer: WriterName): Promise<WriterInfo> {
    throw new Error("not built yet");
  }
  rotate(): Promise<WriterInfo> {
    throw new Error("not built yet");
  }
  revoke(): Promise<void> {
    throw new Error("not built yet");
  }
  grant(_writer: WriterName, _families: readonly FamilyName[] | null): Promise<WriterInfo> {
    throw new Error("not built yet");
  }
}

function writerExists(writer: WriterName): CtlstoreError {
  return new CtlstoreError(
    "writer_exists",
    `Cannot register writer ${quote(writer)}: it exists with another secret`,
  );
}
