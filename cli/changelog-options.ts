/** Options about the changelog that a Reflector writes: whether, where, and how much of it is kept. */
import { CHANGELOG_LIMITS } from "../core/limits.ts";
import type { ChangelogOptions } from "../reflector/options.ts";
import { type OptionValues, option, switchOption } from "./options.ts";
import { byteSize, integer, text } from "./parsers.ts";

const { fileBytes, files } = CHANGELOG_LIMITS;
const BYTES_PER_MIB = 1024 * 1024;

export const CHANGELOG_OPTIONS = {
  changelog: switchOption({
    flag: "changelog",
    help: "write which keys changed to change.log in the folder of the local database, for caches that follow it",
  }),
  changelogPath: option({
    flag: "changelog-path",
    placeholder: "FILE",
    help: "write it to this file and others beside it; implies --changelog",
    parse: text,
    fallback: undefined,
  }),
  changelogBytes: option({
    flag: "changelog-bytes",
    placeholder: "BYTES",
    help: "size at which the next file is begun, such as 64MiB",
    parse: fileSize,
    fallback: fileBytes.default,
    fallbackText: `${fileBytes.default / BYTES_PER_MIB}MiB`,
  }),
  changelogFiles: option({
    flag: "changelog-files",
    placeholder: "N",
    help: "full files kept: who was away for longer than they reach back must take everything for changed",
    parse: integer(files),
    fallback: files.default,
  }),
};

/** Undefined: none is written. */
export function changelogOf(options: OptionValues<typeof CHANGELOG_OPTIONS>): ChangelogOptions | undefined {
  const { changelog, changelogPath: path, changelogBytes, changelogFiles } = options;
  if (!changelog && path === undefined) return undefined;
  return {
    ...(path === undefined ? {} : { path }),
    fileBytes: changelogBytes,
    files: changelogFiles,
  };
}

function fileSize(given: string): number {
  const bytes = byteSize(given);
  if (bytes >= fileBytes.min && bytes <= fileBytes.max) return Number(bytes);
  throw new Error(`it must be from ${fileBytes.min} bytes to ${fileBytes.max / BYTES_PER_MIB}MiB`);
}
