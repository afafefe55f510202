/**
 * Who keeps the write-ahead log from being cut (R14).
 *
 * A reader inside a transaction holds a shared lock on one of five bytes of the `-shm` file, its read mark. Linux tells
 * in /proc/locks which process holds which bytes of which file; processes of other pid namespaces (containers, as a
 * rule) are left out there, so who cannot be found is one of them. The `-shm` file is only looked at: opening it here
 * would drop SQLite's own locks.
 *
 * Many readers hold a mark at any moment, each for microseconds; the one that matters is found at the same byte each
 * time that the log could not be cut.
 */
import { readFileSync, statSync } from "node:fs";

export interface WalReader {
  /** Null when it is outside this pid namespace. */
  readonly pid: number | null;
  /** Name of its program, as the kernel has it; or why it is not known. */
  readonly command: string;
}

/** One read mark held by one process, as `pid:byte`. */
type Mark = `${number}:${number}`;

/** SQLITE_SHM_BASE is 120; the read marks are the locks 3 to 7. Fixed by SQLite's file format. */
const READ_MARK_BYTES = [123, 124, 125, 126, 127] as const;
/** A reader between two transactions holds none, so a few looks in a row tell it from one that stays in one. */
const LOOKS = 3;
const OUTSIDE: WalReader = { pid: null, command: "a process outside this pid namespace" };

export class WalReaders {
  readonly #databasePath: string;
  /** Marks that every look found since the time beside them. */
  #since = new Map<Mark, number>();
  #rounds = 0;
  #oldest: WalReader | null = null;

  constructor(databasePath: string) {
    this.#databasePath = databasePath;
  }

  /** Who has been inside one read transaction for longest; null before that was found twice. */
  get oldest(): WalReader | null {
    return this.#oldest;
  }

  /** Call each time that the log could not be cut. */
  wasHeld(nowMs: number): void {
    this.#rounds += 1;
    for (let look = 0; look < LOOKS; look++) this.#look(nowMs);
    if (this.#rounds > 1) this.#oldest = this.#find(nowMs);
  }

  /** Call when it could: forgets what was seen. */
  wasFree(): void {
    this.#since.clear();
    this.#rounds = 0;
    this.#oldest = null;
  }

  #find(nowMs: number): WalReader | null {
    const [first] = [...this.#since].sort(([, a], [, b]) => a - b);
    if (first === undefined) return OUTSIDE;
    const [mark, sinceMs] = first;
    if (sinceMs === nowMs) return null;
    const pid = Number(mark.split(":")[0]);
    return { pid, command: commandOf(pid) };
  }

  #look(nowMs: number): void {
    const found = marksOf(readLocks(), `${this.#databasePath}-shm`);
    this.#since = new Map(found.map((mark) => [mark, this.#since.get(mark) ?? nowMs]));
  }
}

/** Empty where there is no such file: another system, or hidden from this user. */
function readLocks(): string {
  try {
    return readFileSync("/proc/locks", "utf8");
  } catch {
    return "";
  }
}

/** `1: POSIX  ADVISORY  READ 13433 fe:00:2220282 124 124` */
const LOCK_LINE = /^\d+: POSIX\s+\S+\s+READ\s+(\d+)\s+([0-9a-f]+:[0-9a-f]+):(\d+)\s+(\d+)\s+(\d+)$/gm;

function marksOf(locks: string, shmPath: string): Mark[] {
  const stats = statOf(shmPath);
  if (stats === undefined) return [];
  const ofInode = [...locks.matchAll(LOCK_LINE)].filter(([, , , inode]) => inode === `${stats.ino}`);
  // Some file systems (btrfs, overlays) give stat another device than the kernel's own; then the number must do.
  const ofDevice = ofInode.filter(([, , device]) => device === deviceName(stats.dev));
  return (ofDevice.length > 0 ? ofDevice : ofInode).flatMap(([, pid, , , first, last]) =>
    READ_MARK_BYTES.filter((byte) => byte >= Number(first) && byte <= Number(last)).map(
      (byte): Mark => `${Number(pid)}:${byte}`,
    ),
  );
}

/** Undefined where it is not there, or cannot be looked at: who reads is only told, and nothing may fail for it. */
function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false, bigint: true });
  } catch {
    return undefined;
  }
}

/** The kernel's way to write a device: major and minor number in hex. */
function deviceName(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return [major, minor].map((number) => number.toString(16).padStart(2, "0")).join(":");
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "a process that has ended";
  }
}
