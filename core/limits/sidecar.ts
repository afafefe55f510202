/** The sidecar: what a read over HTTP may ask for, and how long it may hold anything. See `limits.ts`. */
import { KIB, MIB } from "./units.ts";

export const SIDECAR_LIMITS = {
  /** Ten thousand keys of a hundred bytes each. */
  requestBytes: 2 * MIB,
  /**
   * Bodies that are being read, and those of reads that wait for a sequence, all together; what they ask for takes three
   * times as much. Smaller ones are not counted (`LISTEN_LIMITS.uncountedBodyBytes`).
   */
  bodiesBytes: 64 * MIB,
  /** Tables of one request for rows by keys; each is looked up, and most requests name a handful. */
  readsPerRequest: 1_000,
  /** Rows by keys are built whole, as the original's answers are; whoever needs more asks twice. */
  keyedAnswerBytes: 64 * MIB,
  /** Rows of one prefix, the reader's own bound: default of a flag. */
  prefixRows: 1_000_000,
  /** An answer of so many bytes is sent whole; a longer one in pieces of this size, each of which takes a millisecond. */
  pieceBytes: 256 * KIB,
  /** Rows read in one turn of the event loop, however small they are. */
  pieceRows: 2_000,
  /**
   * How long the pieces of one answer may come straight from the LDB. Its state is held meanwhile, so that the write-ahead
   * log cannot be cut (R15); a client on the same host takes a hundred MiB in this time.
   */
  heldMs: 1_000,
  /**
   * What is left after that, and what was made at once and not taken yet, of all answers together; of the first one that does
   * not fit is broken off, of the others refused.
   */
  restBytes: 128 * MIB,
  /** Smaller ones are not counted: for all requests together 188 MiB. */
  uncountedAnswerBytes: 16 * KIB,
  /** What a connection is given at a time of one that is counted. */
  answerPieceBytes: 64 * KIB,
  /** Answers that are read in pieces at a time: each has a connection to the LDB, with its page cache. */
  streams: 16,
  /** Answers that wait until it is their turn, and for how long. */
  waitingStreams: 256,
  streamTurnMs: 5_000,
  /** From the first piece to the last: who takes longer holds memory for nothing. */
  streamMs: 120_000,
  /** `?timeout=` of a read that waits for a sequence: three polls of a Reflector, and what a load balancer bears. */
  waitMs: { default: 5_000, max: 60_000 },
  /** How often the LDB is looked at for all who wait; a look costs two microseconds. */
  waitLookMs: 5,
  /** Reads that may wait at a time. */
  waits: 10_000,
  /** An LDB that is not there, or cannot be opened, is tried again after so long, however many ask. */
  openEveryMs: 100,
  /** Requests under way when the sidecar is asked to stop have so long to end. */
  drainMs: 10_000,
} as const;
