/** The place of a Reflector's current LDB, as whoever replaces the LDB sees it. */
import type { Generation } from "../../ldb/generations.ts";
import type { LedgerFollower } from "../ledger-follower.ts";
import type { KnownLdb } from "../status.ts";

export interface LdbSlot {
  readonly folder: string;
  /** Follows the ledger with the LDB that is open; null while none is. */
  readonly follower: LedgerFollower | null;
  /** What the LDB that was open last was like. */
  readonly lastKnown: KnownLdb | null;
  /** Opens what `ldb.db` points to. @throws CtlstoreError what `openLdbFolder` throws */
  open(): void;
  /**
   * Follows the ledger with a generation that is not current yet; any failure ends its run. The caller closes it.
   * @throws CtlstoreError what opening the database throws
   */
  followStaged(staged: Generation, onProgress: () => void): LedgerFollower;
  /** Lets go of it. Never throws. */
  close(): void;
}
