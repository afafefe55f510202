/**
 * What a random history is made of: plain data, so that it prints, repeats, and can be cut down when it fails.
 *
 * A step says what is asked, never what should come of it: that is for the model to say, in whatever state it is.
 */
import type { FieldType } from "../../core/field-types.ts";
import type { CrashPoint } from "../../ldb/crash-points.ts";

/** Families and writers are numbers here; each run gives them names of its own. */
export type FamilyIndex = number;
export type WriterIndex = number;

export type FieldShape = readonly [name: string, type: FieldType];

export interface TableShape {
  readonly family: FamilyIndex;
  readonly table: string;
  readonly fields: readonly FieldShape[];
  readonly keyFields: readonly string[];
}

/** A field's name as it is sent, in any case, and its value as JSON text. */
export type SentValue = readonly [name: string, json: string];

export interface SentMutation {
  readonly table: string;
  readonly isDelete: boolean;
  readonly values: readonly SentValue[];
}

export interface SentBatch {
  readonly writer: WriterIndex;
  readonly credentials: "right" | "wrong-secret" | "unknown-writer";
  readonly family: FamilyIndex;
  readonly mutations: readonly SentMutation[];
  /** Base64; null sends none. */
  readonly cookie: string | null;
  readonly checkCookie: "none" | "right" | "wrong";
}

/** Which of the two Executives is asked; they share one ctldb. */
export type Door = 0 | 1;

export type RequestStep =
  | { readonly kind: "create-family"; readonly door: Door; readonly family: FamilyIndex }
  | { readonly kind: "create-tables"; readonly door: Door; readonly tables: readonly TableShape[] }
  | {
      readonly kind: "add-fields";
      readonly door: Door;
      readonly family: FamilyIndex;
      readonly table: string;
      readonly fields: readonly FieldShape[];
    }
  | {
      readonly kind: "drop-table";
      readonly door: Door;
      readonly family: FamilyIndex;
      readonly table: string;
    }
  | {
      readonly kind: "clear-rows";
      readonly door: Door;
      readonly family: FamilyIndex;
      readonly table: string | null;
    }
  /**
   * Sent at once, by several writers or all by one. `severAfterTurns` cuts the connections to the ctldb after so many turns of the
   * event loop (MySQL alone); null does not.
   */
  | {
      readonly kind: "write";
      readonly door: Door;
      readonly batches: readonly SentBatch[];
      readonly severAfterTurns: number | null;
    };

/** How the ledger is cut into polls, slices and SQLite transactions while it is applied. */
export interface FollowLimits {
  readonly pollRows: number;
  readonly sliceStatements: number;
  readonly transactionStatements: number;
}

export type FollowStep =
  /** Applies entries one slice after the other; after `slices` of them the LDB is let go of as it stands. */
  | { readonly kind: "follow"; readonly limits: FollowLimits; readonly slices: number | null }
  /** The whole Reflector, until it is current; then it stops cleanly. */
  | { readonly kind: "reflect"; readonly limits: FollowLimits }
  /** The whole Reflector as a process that gets SIGKILL at a named point. */
  | {
      readonly kind: "kill-reflector";
      readonly limits: FollowLimits;
      readonly point: CrashPoint;
      readonly hits: number;
    };

export type Step = RequestStep | SeveredStep | FollowStep | { readonly kind: "reopen"; readonly door: Door };

export type SchemaStep = Exclude<RequestStep, { kind: "write" }>;

/**
 * A schema change during which the connections to the ctldb are cut (MySQL alone): what becomes of it is open, but it
 * must be all or nothing, alike in ctldb and LDB (D6, D7, R38).
 */
export interface SeveredStep {
  readonly kind: "severed";
  readonly step: SchemaStep;
  readonly afterTurns: number;
}

export interface History {
  readonly seed: number;
  readonly steps: readonly Step[];
}
