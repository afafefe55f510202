/**
 * A ctldb on MariaDB with a table of some size, a snapshot of it in a store, and entries that came after it: what a fresh
 * host finds.
 */
import { Writer } from "../../client/index.ts";
import { makeStoryTable, STORY_WRITER } from "../pipeline/story.ts";
import { sharedMariadb } from "./mariadb.ts";
import { runProcess } from "./process.ts";
import { ctlstore, startExecutiveService } from "./services.ts";
import { tempFolder } from "./temp-folder.ts";

export interface StoryOptions {
  /** Where the snapshot goes. */
  readonly snapshots: string;
  /** About so much text in the snapshot's rows. */
  readonly snapshotBytes: number;
  /** For the Supervisor. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface BootstrapStory {
  readonly ctldb: string;
  /** The snapshot's, and the ledger's last one. */
  readonly snapshotSequence: bigint;
  readonly lastSequence: bigint;
}

const ROW_BYTES = 10_000;
const ROWS_PER_REQUEST = 50;
const ROWS_AFTER = 200;

/** Text that hardly compresses, as bytes that travel do. */
function textOf(id: number, bytes: number): string {
  const chunk = Bun.SHA512_256.hash(String(id), "base64");
  let text = `row ${id} é'\\ `;
  for (let i = 0; text.length < bytes; i++) text += Bun.hash(chunk, i).toString(36);
  return text;
}

export async function makeBootstrapStory(options: StoryOptions): Promise<BootstrapStory> {
  const ctldb = await (await sharedMariadb()).createDatabase();
  const service = await startExecutiveService(ctldb);
  await using _executive = service.process;
  await makeStoryTable(service.url);
  const writer = new Writer({ url: service.url, ...STORY_WRITER });
  const rows = Math.ceil(options.snapshotBytes / ROW_BYTES);
  const snapshotSequence = await writeRows(writer, 0, rows, ROW_BYTES);
  await publishSnapshot(ctldb, options);
  // Some rows change, some are new.
  const lastSequence = await writeRows(writer, rows - ROWS_AFTER / 2, ROWS_AFTER, ROW_BYTES / 10);
  return { ctldb, snapshotSequence, lastSequence };
}

async function writeRows(writer: Writer, first: number, count: number, bytes: number): Promise<bigint> {
  let last = 0n;
  for (let start = first; start < first + count; start += ROWS_PER_REQUEST) {
    const ids = Array.from(
      { length: Math.min(ROWS_PER_REQUEST, first + count - start) },
      (_, i) => start + i,
    );
    const mutations = ids.map((id) => ({ table: "rows", values: { id, text: textOf(id, bytes) } }));
    last = (await writer.write(mutations)).sequence;
  }
  return last;
}

async function publishSnapshot(ctldb: string, { snapshots, env = {} }: StoryOptions): Promise<void> {
  using folder = tempFolder("supervisor");
  const flags = ["--ldb", folder.path, "--snapshots", snapshots, "--once", "--log-level", "warn"];
  const command = ctlstore("supervisor", ...flags);
  const { code, stderr } = await runProcess(command, { env: { ...env, CTLSTORE_CTLDB: ctldb } });
  if (code !== 0) throw new Error(`the Supervisor failed:\n${stderr}`);
}
