/** The place of a Reflector's current LDB, as whoever replaces the LDB sees it. */
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
  /** Lets go of it. Never throws. */
  close(): void;
}
