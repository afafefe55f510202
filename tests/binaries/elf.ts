/** What the head of an ELF file says. */
import { closeSync, openSync, readSync } from "node:fs";

/** Numbers of processors in the ELF format. */
export const ELF_MACHINES = { x64: 62, arm64: 183 } as const;

const MAGIC = "\x7fELF";
const MACHINE_OFFSET = 18;

/** The first bytes of a file. */
export function headOf(path: string, bytes: number): Buffer {
  const head = Buffer.alloc(bytes);
  const file = openSync(path, "r");
  try {
    readSync(file, head, 0, bytes, 0);
  } finally {
    closeSync(file);
  }
  return head;
}

/** The processor that the file is for; null when it is no ELF file. */
export function machineOf(head: Buffer): number | null {
  return head.subarray(0, MAGIC.length).toString("latin1") === MAGIC
    ? head.readUInt16LE(MACHINE_OFFSET)
    : null;
}
