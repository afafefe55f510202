/** The loader's commands, which run on Node: for `ctlstore-loader`, and for `ctlstore loader`, which starts Node. */
import type { Command } from "./command.ts";

export const LOADER_COMMANDS: readonly Command[] = [];
