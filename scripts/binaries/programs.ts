/** What is compiled: the programs, the machines, and what must never get into a program. */
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dir, "..", "..");

/** Debian's names and Node's differ; these are Bun's, Node's and ours. */
export const ARCHITECTURES = ["x64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface Program {
  readonly name: string;
  /** Entry, relative to the root. */
  readonly entry: string;
  /** Sources of ours (folders) and packages that it must do without. */
  readonly without: readonly string[];
}

export const PROGRAMS: readonly Program[] = [
  {
    name: "ctlstore-reflector",
    entry: "cli/reflector-main.ts",
    // A host applies the ledger and reads what came of it; it never writes to it, so what could is not even there.
    without: [
      "server/",
      "client/",
      "heartbeat/",
      "verify/",
      "snapshot/publish/",
      "snapshot/supervisor/",
      "cli/demo/",
      "cli/dev/",
      "elysia",
      "@elysiajs/eden",
      "@elysiajs/openapi",
      "@sinclair/typebox",
      "@valibot/to-json-schema",
      "mime-db",
    ],
  },
  { name: "ctlstore", entry: "cli/main.ts", without: [] },
];

/** One file to build. */
export interface Artifact {
  readonly program: Program;
  readonly architecture: Architecture;
}

export const ARTIFACTS: readonly Artifact[] = PROGRAMS.flatMap((program) =>
  ARCHITECTURES.map((architecture) => ({ program, architecture })),
);

export function targetOf({ architecture }: Artifact): string {
  return `linux-${architecture}`;
}

export function fileNameOf(artifact: Artifact): string {
  return `${artifact.program.name}-${targetOf(artifact)}`;
}

export function entryOf({ program }: Artifact): string {
  return join(ROOT, program.entry);
}
