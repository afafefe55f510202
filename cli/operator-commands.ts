/** The commands for whoever says who may do what and how much; in the order of the help page, each group's own first. */
import type { Command } from "./command.ts";
import { auditCommand } from "./commands/audit.ts";
import { limitsCommand, limitsSizesCommand, limitsUsageCommand } from "./commands/limits.ts";
import {
  limitsTablesCommand,
  limitsTablesResetCommand,
  limitsTablesSetCommand,
} from "./commands/limits-tables.ts";
import {
  limitsFleetCommand,
  limitsFleetResetCommand,
  limitsFleetSetCommand,
  limitsWritersCommand,
  limitsWritersResetCommand,
  limitsWritersSetCommand,
} from "./commands/limits-writers.ts";
import {
  operatorCreateCommand,
  operatorListCommand,
  operatorRevokeCommand,
  operatorWhoamiCommand,
} from "./commands/operators.ts";
import { readerDeclareCommand, readerListCommand, readerWithdrawCommand } from "./commands/readers.ts";
import { writerRotateCommand } from "./commands/writer-rotate.ts";
import {
  writerGrantCommand,
  writerListCommand,
  writerRevokeCommand,
  writerShowCommand,
} from "./commands/writers.ts";

export const OPERATOR_COMMANDS: readonly Command[] = [
  writerListCommand,
  writerShowCommand,
  writerGrantCommand,
  writerRotateCommand,
  writerRevokeCommand,
  limitsCommand,
  limitsUsageCommand,
  limitsSizesCommand,
  limitsWritersCommand,
  limitsWritersSetCommand,
  limitsWritersResetCommand,
  limitsFleetCommand,
  limitsFleetSetCommand,
  limitsFleetResetCommand,
  limitsTablesCommand,
  limitsTablesSetCommand,
  limitsTablesResetCommand,
  operatorCreateCommand,
  operatorListCommand,
  operatorRevokeCommand,
  operatorWhoamiCommand,
  readerDeclareCommand,
  readerWithdrawCommand,
  readerListCommand,
  auditCommand,
];
