/** The loader's commands, which run on Node: for `ctlstore-loader`, and for `ctlstore loader`, which starts Node. */
import type { Command } from "./command.ts";
import { loaderCommand } from "./commands/loader.ts";
import { loaderCheckCommand } from "./commands/loader-check.ts";
import { loaderOffsetsCommand } from "./commands/loader-offsets.ts";
import { loaderSeekCommand } from "./commands/loader-seek.ts";

export const LOADER_COMMANDS: readonly Command[] = [
  loaderCommand,
  loaderCheckCommand,
  loaderOffsetsCommand,
  loaderSeekCommand,
];
