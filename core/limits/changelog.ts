/** The changelog of an LDB, as the Reflector writes it. See `limits.ts`. */
import { KIB, MIB } from "./units.ts";

export const CHANGELOG_LIMITS = {
  /** Size at which the next file is begun: some hundred thousand changes, read through in a second. */
  fileBytes: { default: 16 * MIB, min: 4 * KIB, max: 16 * 1024 * MIB },
  /** Older files kept. Below one, who reads a file when the next is begun would lose its end. */
  files: { default: 4, min: 1, max: 1_000 },
  /**
   * Keys kept in mind of one ledger transaction: some megabytes. Whoever changes more at once is better off when it
   * reads the table again than with a line for each.
   */
  keysPerTransaction: 10_000,
  /**
   * UTF-16 code units of one key. Ours have at most 3,072 bytes; the original lets text of any length into a key, and a
   * line of that would be too long for who reads it (`CHANGES_LIMITS.lineBytes`).
   */
  keyUnits: 8_192,
  /** Tables whose columns, and forms of upserts whose key columns, are kept in mind; as many as stay prepared. */
  knownTables: 256,
  /** The Reflector's note has its facts in this many bytes: within one page, which no kill can tear. */
  noteHeaderBytes: 1_024,
  /** A buffer that one large transaction made grow beyond this is let go. */
  keptBufferBytes: 4 * MIB,
} as const;
