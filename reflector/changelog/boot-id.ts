/** The running start of this machine, which tells a killed process from a lost power supply. */
import { readFileSync } from "node:fs";

/** Null where the system has no such thing: then only what was synced is believed. */
export function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}
