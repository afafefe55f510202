/** Every command, in the order of the help page. */
import type { Command } from "./command.ts";
import { addFieldsCommand } from "./commands/add-fields.ts";
import { changesCommand } from "./commands/changes.ts";
import { clearRowsCommand } from "./commands/clear-rows.ts";
import { codegenCommand } from "./commands/codegen.ts";
import { completionCommand } from "./commands/completion.ts";
import { createFamilyCommand } from "./commands/create-family.ts";
import { createTableCommand } from "./commands/create-table.ts";
import { devCommand } from "./commands/dev.ts";
import { diffCommand } from "./commands/diff.ts";
import { dropTableCommand } from "./commands/drop-table.ts";
import { executiveCommand } from "./commands/executive.ts";
import { heartbeatCommand } from "./commands/heartbeat.ts";
import { historyCommand } from "./commands/history.ts";
import { ldbSkipCommand } from "./commands/ldb-skip.ts";
import { ldbStatusCommand } from "./commands/ldb-status.ts";
import { ldbVerifyCommand } from "./commands/ldb-verify.ts";
import { ledgerTailCommand } from "./commands/ledger-tail.ts";
import { mutateCommand } from "./commands/mutate.ts";
import { readCommand } from "./commands/read.ts";
import { readSeqCommand } from "./commands/read-seq.ts";
import { reflectorCommand } from "./commands/reflector.ts";
import { registerWriterCommand } from "./commands/register-writer.ts";
import { schemaCommand } from "./commands/schema.ts";
import { sidecarCommand } from "./commands/sidecar.ts";
import { snapshotListCommand } from "./commands/snapshot-list.ts";
import { snapshotPruneCommand } from "./commands/snapshot-prune.ts";
import { snapshotShowCommand } from "./commands/snapshot-show.ts";
import { snapshotVerifyCommand } from "./commands/snapshot-verify.ts";
import { statusCommand } from "./commands/status.ts";
import { supervisorCommand } from "./commands/supervisor.ts";
import { LOADER_COMMANDS } from "./loader-commands.ts";
import { OPERATOR_COMMANDS } from "./operator-commands.ts";

const COMMANDS: readonly Command[] = [
  devCommand,
  executiveCommand,
  reflectorCommand,
  supervisorCommand,
  sidecarCommand,
  heartbeatCommand,
  ...LOADER_COMMANDS,
  createFamilyCommand,
  createTableCommand,
  addFieldsCommand,
  dropTableCommand,
  clearRowsCommand,
  registerWriterCommand,
  ...OPERATOR_COMMANDS,
  mutateCommand,
  readCommand,
  readSeqCommand,
  historyCommand,
  ledgerTailCommand,
  changesCommand,
  schemaCommand,
  codegenCommand,
  statusCommand,
  diffCommand,
  ldbStatusCommand,
  ldbSkipCommand,
  ldbVerifyCommand,
  snapshotListCommand,
  snapshotShowCommand,
  snapshotVerifyCommand,
  snapshotPruneCommand,
];

export const ALL_COMMANDS: readonly Command[] = [...COMMANDS, completionCommand(COMMANDS)];

export const GROUPS: Readonly<Record<string, string>> = {
  ldb: "look after the local database of this host",
  ledger: "look at the ordered log of all changes",
  operator: "tokens of those who operate ctlstore, and their roles",
  reader: "who reads a table, as its people said",
  snapshot: "look after a store of snapshots",
  writer: "secrets and grants of writers",
};
